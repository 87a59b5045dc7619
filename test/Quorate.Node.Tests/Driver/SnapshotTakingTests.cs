using Quorate.Node.Driver;
using Quorate.Raft;

namespace Quorate.Node.Tests.Driver;

/// <summary>
/// A snapshot ends with an entry of the current term. Of an entry of an earlier term, a leader that was deposed in between may lack what a
/// later one has committed, and the member that starts from the snapshot, or receives it, may be in the term of that leader.
/// </summary>
public sealed class SnapshotTakingTests
{
    private readonly DriverHarness _node = new(snapshots: new SnapshotPolicy { LogEntries = 1 });

    [Fact]
    public void No_snapshot_ends_with_an_entry_of_an_earlier_term()
    {
        ReceiveEntry(term: 3, Entry(1, 1), previousTerm: 0);
        _node.RunAll();
        Assert.Equal(new LogIndex(1), _node.Core.AppliedIndex);
        Assert.Equal(LogIndex.Zero, _node.Core.SnapshotIndex);

        ReceiveEntry(term: 3, Entry(3, 2), previousTerm: 1);
        _node.RunAll();
        Assert.Equal(new LogIndex(2), _node.Core.SnapshotIndex);
    }

    [Fact]
    public void A_captured_state_is_discarded_when_a_later_term_begins_and_captured_again_in_that_term()
    {
        ReceiveEntry(term: 3, Entry(3, 1), previousTerm: 0);
        _node.RunOnce();
        Assert.True(_node.ApplyThread.RunNext());
        _node.RunOnce();
        Assert.True(_node.ApplyThread.RunNext(), "the state is captured");

        ReceiveEntry(term: 4, Entry(3, 1), previousTerm: 0);
        _node.RunAll();
        Assert.Equal(LogIndex.Zero, _node.Core.SnapshotIndex);

        ReceiveEntry(term: 4, Entry(4, 2), previousTerm: 3);
        _node.RunAll();
        Assert.Equal(new LogIndex(2), _node.Core.SnapshotIndex);
    }

    private static LogEntry Entry(ulong term, ulong index) => LogEntry.NoOp(new Term(term), new LogIndex(index));

    /// <summary>Receives an entry, which is committed, of the leader of this term.</summary>
    private void ReceiveEntry(ulong term, LogEntry entry, ulong previousTerm) => _node.Receive(new AppendEntries
    {
        From = new NodeId(term == 3 ? 2UL : 3),
        Term = new Term(term),
        Previous = new EntryId(new Term(previousTerm), entry.Index - 1),
        Entries = new[] { entry },
        LeaderCommit = entry.Index,
    });
}
