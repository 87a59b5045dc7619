using Quorate.Raft;

namespace Quorate.Node.Tests.Driver;

/// <summary>While completions are being dispatched, new proposals are held, for at most a millisecond.</summary>
public sealed class GroupCommitHoldTests
{
    private readonly ManualClock _clock = new();
    private readonly DriverHarness _node;

    public GroupCommitHoldTests()
    {
        // A proposal that is too large shows when it is taken: the core rejects it at once.
        _node = new DriverHarness(options: new RaftOptions { Self = new NodeId(1), MaxCommandBytes = 1000 }, time: _clock);
        _node.ReceiveAppendEntries();
        _node.RunOnce();
        _node.CompletionsObserver.SetPendingCompletions(2);
    }

    [Fact]
    public void Held_proposals_are_taken_after_the_last_completion()
    {
        var (_, outcome) = _node.Propose(bytes: 1001);
        _node.RunOnce();
        _node.CompletionsObserver.SetPendingCompletions(1);
        _node.RunOnce();
        Assert.False(outcome.IsCompleted);

        _node.CompletionsObserver.SetPendingCompletions(0);
        _node.RunOnce();
        Assert.True(outcome.IsCompleted);
    }

    [Fact]
    public void Held_proposals_are_taken_after_a_millisecond()
    {
        var (_, outcome) = _node.Propose(bytes: 1001);
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
