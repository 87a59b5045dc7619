using Quorate.Kv;
using Quorate.Node;
using Quorate.Raft;

namespace Quorate.Server.Replication;

/// <summary>A replica that is a real node: the library's outcomes, in the few kinds the API tells apart.</summary>
internal sealed class NodeReplica(RaftNode<KvResult> node) : IReplica
{
    /// <inheritdoc/>
    public ReplicaStatus Status
    {
        get
        {
            var status = node.Status;
            return new ReplicaStatus(
                status.Term.Value, status.Leader.Value, status.LastIndex.Value, status.CommitIndex.Value, status.AppliedIndex.Value);
        }
    }

    /// <inheritdoc/>
    public async ValueTask<Proposed> ProposeAsync(ReadOnlyMemory<byte> command, CancellationToken cancellation)
    {
        var result = await node.ProposeAsync(command, cancellation).ConfigureAwait(false);
        return result.Outcome switch
        {
            ProposalOutcome.Committed => new Proposed(ReplicaVerdict.Done, result.Result),
            ProposalOutcome.Rejected => new Proposed(VerdictOf(result.Reason), default),
            ProposalOutcome.Indeterminate => new Proposed(ReplicaVerdict.Unknown, default),
            _ => throw new InvalidOperationException($"a proposal cannot end as {result.Outcome}"),
        };
    }

    /// <inheritdoc/>
    public async ValueTask<ReplicaVerdict> ReadBarrierAsync(CancellationToken cancellation)
    {
        var result = await node.ReadBarrierAsync(cancellation).ConfigureAwait(false);
        if (result.IsGranted)
            return ReplicaVerdict.Done;
        return result.Reason is { } reason ? VerdictOf(reason) : ReplicaVerdict.Unknown;
    }

    /// <inheritdoc/>
    public Task LeaderKnownAsync(CancellationToken cancellation) => node.WaitForLeaderAsync(cancellation).AsTask();

    private static ReplicaVerdict VerdictOf(RejectReason reason) => reason switch
    {
        RejectReason.Stopped => ReplicaVerdict.Stopped,
        RejectReason.NoLeader or RejectReason.NotLeader or RejectReason.Superseded or RejectReason.Cancelled => ReplicaVerdict.TryAgain,
        RejectReason.Busy => ReplicaVerdict.Busy,
        RejectReason.TooLarge => ReplicaVerdict.TooLarge,
        _ => throw new InvalidOperationException($"no verdict for {reason}"),
    };
}
