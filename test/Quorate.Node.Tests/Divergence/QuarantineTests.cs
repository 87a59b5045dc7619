using Quorate.Node.Divergence;
using Quorate.Node.Driver;
using Quorate.Node.Tests.Driver;
using Quorate.Raft;

namespace Quorate.Node.Tests.Divergence;

/// <summary>What a group does with the state hashes of the others, and what it does in quarantine.</summary>
public sealed class QuarantineTests
{
    private readonly DriverHarness _node = new() { StateHash = 0xA5 };

    [Fact]
    public void The_hash_is_sent_to_each_peer_after_each_entry_of_the_interval()
    {
        Apply(upTo: 9);
        Assert.Equal(
            [(2ul, 4ul, 0xA5ul), (3, 4, 0xA5), (2, 8, 0xA5), (3, 8, 0xA5)],
            _node.SentHashes.Select(static sent => (sent.To.Value, sent.Index.Value, sent.Hash)));
    }

    [Fact]
    public void A_state_machine_without_a_hash_sends_none()
    {
        _node.StateHash = null;
        Apply(upTo: 9);
        Assert.Empty(_node.SentHashes);
    }

    [Fact]
    public void A_member_that_differs_from_a_majority_is_quarantined_and_a_restart_keeps_it_so()
    {
        Quarantine();
        Assert.Contains(
            "After entry 4 its state has hash 00000000000000a5, that of a majority of the members 0000000000000007.",
            _node.Divergence.Quarantine!.Reason);
        Assert.True(_node.Core.IsQuarantined);

        Assert.True(_node.TransferThread.RunNext());
        _node.RunAll();
        Assert.True(_node.Divergence.IsMarkerDurable);
        Assert.Equal(_node.Divergence.Quarantine.Reason, QuarantineFile.Read(_node.Storage)!.Reason);

        var restarted = new DriverHarness(storage: _node.Storage);
        restarted.RunAll();
        Assert.Equal(_node.Divergence.Quarantine.Reason, restarted.Divergence.Quarantine?.Reason);
        Assert.True(restarted.Core.IsQuarantined);
    }

    [Fact]
    public void A_marker_that_cannot_be_written_is_written_later()
    {
        _node.Storage.BeforeCall = static call =>
        {
            if (call.Contains(QuarantineFile.Name, StringComparison.Ordinal))
                throw new IOException("no space");
        };
        Quarantine();
        Assert.True(_node.TransferThread.RunNext());
        _node.RunAll();
        Assert.False(_node.Divergence.IsMarkerDurable);
        Assert.False(_node.TransferThread.RunNext(), "not before an election timeout");

        _node.Storage.BeforeCall = null;
        for (var tick = 0; tick < 1000; tick++)
            _node.Divergence.OnTick(static _ => { });
        _node.RunAll();
        Assert.True(_node.TransferThread.RunNext());
        _node.RunAll();
        Assert.True(_node.Divergence.IsMarkerDurable);
    }

    [Fact]
    public async Task Reads_are_rejected_in_quarantine_also_those_that_wait()
    {
        Apply(upTo: 4);
        Assert.True(_node.PendingReads.TryAdd(out var before));
        _node.RunAll();
        Quarantine();
        Assert.Equal(RejectReason.Quarantined, (await before.Task).Reason);

        Assert.True(_node.PendingReads.TryAdd(out var after));
        _node.RunAll();
        _node.Receive(new ReadIndexReply
        {
            From = new NodeId(2), Term = new Term(1), ReadId = _node.ReadIndexRequestIds[^1], Granted = true, Index = new LogIndex(4),
        });
        _node.RunAll();
        var rejected = await after.Task;
        Assert.Equal((RejectReason.Quarantined, false), (rejected.Reason, rejected.IsRetryable));
    }

    /// <summary>The command is committed, and its result is that of a wrong state.</summary>
    [Fact]
    public async Task A_proposal_that_is_applied_in_quarantine_is_indeterminate()
    {
        Apply(upTo: 4);
        var (id, outcome) = _node.Propose(bytes: 1);
        _node.RunAll();
        Quarantine();
        _node.ReceiveAppendEntries(
            new LogIndex(5), new LogEntry(new EntryId(new Term(1), new LogIndex(5)), EntryKind.Command, id, new byte[1]));
        _node.RunAll();
        Assert.Equal(ProposalOutcome.Indeterminate, (await outcome).Outcome);
    }

    [Fact]
    public void A_snapshot_that_finds_a_changed_memory_quarantines_without_the_others()
    {
        var node = new DriverHarness(snapshots: new SnapshotPolicy { LogEntries = 1 })
        {
            SnapshotFault = new StateCorruptionException("The memory was changed."),
        };
        node.ReceiveAppendEntries(new LogIndex(1), Entry(1));
        node.RunAll();
        Assert.Equal("The memory was changed.", node.Divergence.Quarantine?.Reason);

        node.SnapshotFault = null;
        node.ReceiveAppendEntries(new LogIndex(2), Entry(2));
        node.RunAll();
        Assert.Equal(LogIndex.Zero, node.Core.SnapshotIndex);
    }

    /// <summary>Applies what two others have applied with another result.</summary>
    private void Quarantine()
    {
        if (_node.Core.AppliedIndex == LogIndex.Zero)
            Apply(upTo: 4);
        foreach (var peer in new ulong[] { 2, 3 })
            _node.Receive(new StateHashReport { From = new NodeId(peer), Index = new LogIndex(4), Hash = 0x07 });
        _node.RunAll();
        Assert.NotNull(_node.Divergence.Quarantine);
    }

    private void Apply(ulong upTo)
    {
        for (var index = 1ul; index <= upTo; index++)
            _node.ReceiveAppendEntries(new LogIndex(index), Entry(index));
        _node.RunAll();
    }

    private static LogEntry Entry(ulong index) => LogEntry.NoOp(new Term(1), new LogIndex(index));
}
