using System.Diagnostics.CodeAnalysis;
using Quorate.Node.Divergence;
using Quorate.Node.Snapshots;
using Quorate.Node.Wal;
using Quorate.Raft;

namespace Quorate.Node.Driver;

/// <summary>A <see cref="RaftGroup"/> with the result type of its state machine.</summary>
internal sealed class RaftGroup<TResult> : RaftGroup
{
    private readonly PendingProposals<TResult> _pendingProposals;

    private RaftGroup(
        RaftGroupOptions options, WriteAheadLog log, RecoveredLog recovered, SnapshotStore snapshots, Applier<TResult> applier,
        PendingProposals<TResult> pendingProposals, PendingReads pendingReads, GroupDivergence divergence,
        CancellationToken cancellationToken)
        : base(options, log, recovered, snapshots, applier, pendingProposals, pendingReads, divergence, cancellationToken) =>
        _pendingProposals = pendingProposals;

    /// <inheritdoc/>
    public override int PendingProposalCount => _pendingProposals.Count;

    internal static RaftGroup<TResult> Assemble(
        RaftGroupOptions options, IStateMachine<TResult> stateMachine, WriteAheadLog log, RecoveredLog recovered,
        SnapshotStore snapshots, CancellationToken cancellationToken)
    {
        var hold = new GroupCommitHold(options.TimeProvider, options.Loop);
        var pendingProposals = new PendingProposals<TResult>(
            options.Raft.Self, firstSequence: options.Raft.Seed >> 1, options.PendingRequestsMax, options.QueuedProposalBytesMax, hold,
            options.CompletionDispatchers.Create<ProposalResult<TResult>>(hold), options.Observer);
        var pendingReads = new PendingReads(
            options.PendingRequestsMax, options.ReadClock,
            new LeaderLease(options.Raft.LeaseDuration, options.LeaseClockDriftMax, options.ReadClock));
        var divergence = new GroupDivergence(options);
        var applier = new Applier<TResult>(
            stateMachine, options.Raft.Self, pendingProposals, pendingReads, options.ApplyWorker, options.Loop,
            options.Features, options.Observer, divergence, options.Identity.RecordMembers);
        return new RaftGroup<TResult>(
            options, log, recovered, snapshots, applier, pendingProposals, pendingReads, divergence, cancellationToken);
    }

    /// <summary>Queues a change of the configuration and signals the loop. Returns false when the queue is full.</summary>
    public bool TryPropose(
        ConfigurationChange change, out ProposalId id, [NotNullWhen(true)] out Task<ProposalResult<TResult>>? outcome) =>
        _pendingProposals.TryAdd(change.Encode(), Term.Zero, out id, out outcome, EntryKind.Configuration);

    /// <inheritdoc/>
    public override bool TryProposeChange(ConfigurationChange change, [NotNullWhen(true)] out Task? outcome)
    {
        var isQueued = TryPropose(change, out _, out var result);
        outcome = result;
        return isQueued;
    }

    /// <summary>Queues a command and signals the loop. Returns false when the queue is full; then nothing was registered.</summary>
    public bool TryPropose(
        ReadOnlyMemory<byte> command, Term expectedTerm, out ProposalId id,
        [NotNullWhen(true)] out Task<ProposalResult<TResult>>? outcome) =>
        _pendingProposals.TryAdd(command, expectedTerm, out id, out outcome);

    /// <inheritdoc cref="PendingProposals{TResult}.Withdraw"/>
    public bool Withdraw(ProposalId id) => _pendingProposals.Withdraw(id.Sequence);

    /// <inheritdoc cref="PendingProposals{TResult}.RejectQueued"/>
    public void RejectQueuedProposals() => _pendingProposals.RejectQueued();

    /// <inheritdoc cref="PendingProposals{TResult}.WhenEmptyAsync"/>
    public Task WhenNoProposalIsPendingAsync() => _pendingProposals.WhenEmptyAsync();

    /// <inheritdoc/>
    public override void CompletePending(NodeStoppedException stopped)
    {
        _pendingProposals.CompleteAll();
        base.CompletePending(stopped);
    }
}
