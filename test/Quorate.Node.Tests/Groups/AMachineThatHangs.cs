using Quorate.Raft;

namespace Quorate.Node.Tests.Groups;

/// <summary>Decision 0018: what the state machine cannot be given yet waits in the log, and comes from there.</summary>
public sealed class AMachineThatHangs
{
    private const ulong Entries = 500;

    private readonly LoneLoop _node = new(options: new RaftOptions
    {
        Self = new NodeId(1), MaxCommandBytes = 1000, MaxUncommittedBytes = 1000, MaxCachedBytes = 0, MaxMessageBytes = 1024,
    });

    [Fact]
    public void What_it_was_not_given_while_it_hung_is_read_back_from_the_log_and_applied_in_order()
    {
        for (var index = 1UL; index <= Entries; index++)
        {
            _node.HearLeader(commit: new LogIndex(index), Wal.Given.Entry(index));
            _node.Turn();
        }

        Assert.Equal(Entries, _node.Core.CommitIndex.Value);
        Assert.True(_node.Core.ApplyingIndex.Value < 30, $"handed out up to {_node.Core.ApplyingIndex}");

        for (var turns = 0; _node.Core.AppliedIndex < _node.Core.CommitIndex; turns++)
        {
            Assert.True(turns < (int)Entries, $"applied {_node.Core.AppliedIndex} and no more");
            _node.ApplyThread.Do();
            _node.Turn();
        }

        Assert.Equal(Enumerable.Range(1, (int)Entries).Select(static index => (ulong)index), _node.Applied);
    }
}
