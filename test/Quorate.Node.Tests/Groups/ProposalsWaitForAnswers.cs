namespace Quorate.Node.Tests.Groups;

/// <summary>While callers are being told their outcomes, what is proposed waits for what they will propose, but for no longer than a tick.</summary>
public sealed class ProposalsWaitForAnswers
{
    private readonly Clock _clock = new();
    private readonly LoneLoop _node;

    public ProposalsWaitForAnswers()
    {
        _node = new LoneLoop(time: _clock);
        _node.AnswersFirst.Untold(2);
    }

    [Fact]
    public void They_are_taken_when_the_last_is_being_told()
    {
        var (_, outcome) = _node.Propose(bytes: 1);
        _node.Turn();
        _node.AnswersFirst.Untold(1);
        _node.Turn();
        Assert.False(outcome.IsCompleted);

        _node.AnswersFirst.Untold(0);
        _node.Turn();
        Assert.True(outcome.IsCompleted); // refused: nobody leads
    }

    [Fact]
    public void They_are_taken_at_the_next_tick_whoever_is_still_to_be_told()
    {
        var (_, outcome) = _node.Propose(bytes: 1);
        _node.Turn();
        Assert.False(outcome.IsCompleted);

        _clock.Hours++;
        _node.Turn();
        Assert.True(outcome.IsCompleted);
    }

    private sealed class Clock : TimeProvider
    {
        public long Hours { get; set; }

        public override long TimestampFrequency => 1;

        public override long GetTimestamp() => Hours * 3600;
    }
}
