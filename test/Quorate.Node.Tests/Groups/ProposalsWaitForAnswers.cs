namespace Quorate.Node.Tests.Groups;

/// <summary>While callers are being told their outcomes, what is proposed waits for what they will propose, but for no longer than a millisecond.</summary>
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
    public void They_are_taken_when_the_last_has_been_told()
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
    public void They_are_taken_after_a_millisecond_whoever_is_still_to_be_told()
    {
        var (_, outcome) = _node.Propose(bytes: 1);
        _clock.Milliseconds = 1;
        _node.Turn();
        Assert.False(outcome.IsCompleted);

        _clock.Milliseconds = 2;
        _node.AnswersFirst.Untold(1);
        _node.Turn();
        Assert.True(outcome.IsCompleted);
    }

    private sealed class Clock : TimeProvider
    {
        public long Milliseconds { get; set; }

        public override long TimestampFrequency => 1000;

        public override long GetTimestamp() => Milliseconds;
    }
}
