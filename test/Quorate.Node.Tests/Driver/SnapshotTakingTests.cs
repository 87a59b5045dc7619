using Quorate.Node.Driver;
using Quorate.Node.Snapshots;
using Quorate.Node.Tests.Snapshots;
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

    /// <summary>
    /// A member that receives a snapshot may meanwhile receive the entries from another leader, and take a snapshot behind it.
    /// </summary>
    [Fact]
    public void A_received_snapshot_is_not_used_when_the_member_has_taken_a_newer_one_meanwhile()
    {
        var (id, file) = SnapshotGiven.FileOfPeer(1, bytes: 10);
        _node.Receive(new AppendEntries
        {
            From = new NodeId(2), Term = new Term(1), Previous = id.Last, LeaderCommit = id.Last.Index, NeedsSnapshot = true,
        });
        _node.RunOnce();
        ReceivePart(id, ReadOnlyMemory<byte>.Empty);
        Transfer();
        ReceivePart(id, file);
        Transfer();

        ReceiveEntry(term: 4, Entry(4, 1), previousTerm: 0);
        ReceiveEntry(term: 4, Entry(4, 2), previousTerm: 4);
        do
            _node.RunOnce();
        while (_node.ApplyThread.RunNext());
        Assert.True(_node.TransferThread.RunNext(), "the received snapshot is durable");
        Assert.True(_node.SnapshotThread.RunNext(), "the snapshot of this member is durable");

        _node.RunAll();
        Assert.Equal(new LogIndex(2), _node.Core.SnapshotIndex);
        Assert.Equal(new LogIndex(2), _node.Core.AppliedIndex);
    }

    private void Transfer()
    {
        _node.RunOnce();
        Assert.True(_node.TransferThread.RunNext());
        _node.RunOnce();
    }

    private void ReceivePart(SnapshotId id, ReadOnlyMemory<byte> bytes) => _node.Receive(new FetchSnapshotReply
    {
        From = new NodeId(2), Last = id.Last, Nonce = id.Nonce, FileBytes = id.FileBytes, Bytes = bytes,
    });

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
