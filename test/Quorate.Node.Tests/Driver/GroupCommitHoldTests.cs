namespace Quorate.Node.Tests.Driver;

/// <summary>While completions are being dispatched, new proposals are held, for at most a millisecond.</summary>
public sealed class GroupCommitHoldTests
{
    private readonly ManualClock _clock = new();
    private readonly DriverHarness _node;

    public GroupCommitHoldTests()
    {
        _node = new DriverHarness(time: _clock);
        _node.CompletionsObserver.SetPendingCompletions(2);
    }

    [Fact]
    public void Held_proposals_are_taken_after_the_last_completion()
    {
        var (_, outcome) = _node.Propose(bytes: 1);
        _node.RunOnce();
        _node.CompletionsObserver.SetPendingCompletions(1);
        _node.RunOnce();
        Assert.False(outcome.IsCompleted);

        _node.CompletionsObserver.SetPendingCompletions(0);
        _node.RunOnce();
        Assert.True(outcome.IsCompleted); // rejected: there is no leader
    }

    [Fact]
    public void Held_proposals_are_taken_after_a_millisecond()
    {
        var (_, outcome) = _node.Propose(bytes: 1);
        _clock.Milliseconds = 1;
        _node.RunOnce();
        Assert.False(outcome.IsCompleted);

        _clock.Milliseconds = 2;
        _node.CompletionsObserver.SetPendingCompletions(1);
        _node.RunOnce();
        Assert.True(outcome.IsCompleted);
    }

    private sealed class ManualClock : TimeProvider
    {
        public long Milliseconds { get; set; }

        public override long TimestampFrequency => 1000;

        public override long GetTimestamp() => Milliseconds;
    }
}
