using Quorate.Raft;

namespace Quorate.Node.Tests.Driver;

/// <summary>Decision 0018: committed entries that the state machine cannot take yet stay in the log and are read back from it.</summary>
public sealed class HungStateMachineTests
{
    private const ulong Entries = 500;

    private readonly DriverHarness _node = new(options: new RaftOptions
    {
        Self = new NodeId(1), MaxCommandBytes = 1000, MaxUncommittedBytes = 1000, MaxCachedBytes = 0, MaxMessageBytes = 1024,
    });

    [Fact]
    public void A_state_machine_that_hung_receives_the_missed_entries_from_the_log_in_order()
    {
        for (var index = 1UL; index <= Entries; index++)
        {
            _node.ReceiveAppendEntries(commit: new LogIndex(index), Wal.Given.Entry(index));
            _node.RunOnce();
        }

        Assert.Equal(Entries, _node.Core.CommitIndex.Value);
        Assert.True(_node.Core.ApplyingIndex.Value < 30, $"entries are applying up to {_node.Core.ApplyingIndex}");

        for (var iterations = 0; _node.Core.AppliedIndex < _node.Core.CommitIndex; iterations++)
        {
            Assert.True(iterations < (int)Entries, $"applied only up to {_node.Core.AppliedIndex}");
            _node.ApplyThread.RunNext();
            _node.RunOnce();
        }

        Assert.Equal(Enumerable.Range(1, (int)Entries).Select(static index => (ulong)index), _node.Applied);
    }
}
