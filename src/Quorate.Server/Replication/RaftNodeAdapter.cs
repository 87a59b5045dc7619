using Quorate.Kv;
using Quorate.Node;
using Quorate.Raft;

namespace Quorate.Server.Replication;

/// <summary>
/// Adapts a <see cref="RaftNode{TResult}"/> to <see cref="IRaftNode"/>: maps its results to the outcomes that the API distinguishes.
/// </summary>
internal sealed class RaftNodeAdapter(RaftNode<KvResult> node) : IRaftNode
{
    /// <inheritdoc/>
    public NodeStatus Status
    {
        get
        {
            var status = node.Status;
            return new NodeStatus(
                status.Term.Value, status.Leader.Value, status.LastIndex.Value, status.CommitIndex.Value, status.AppliedIndex.Value);
        }
    }

    /// <inheritdoc/>
    public (int Proposals, int Reads) Pending => (node.PendingProposalCount, node.PendingReadCount);

    /// <inheritdoc/>
    public async ValueTask<KvProposalResult> ProposeAsync(ReadOnlyMemory<byte> command, CancellationToken cancellation)
    {
        var result = await node.ProposeAsync(command, cancellation).ConfigureAwait(false);
        return result.Outcome switch
        {
            ProposalOutcome.Committed => new KvProposalResult(RequestOutcome.Completed, result.Result),
            ProposalOutcome.Rejected => new KvProposalResult(ToOutcome(result.Reason), default),
            ProposalOutcome.Indeterminate => new KvProposalResult(RequestOutcome.Indeterminate, default),
            _ => throw new InvalidOperationException($"unexpected proposal outcome {result.Outcome}"),
        };
    }

    /// <inheritdoc/>
    public async ValueTask<RequestOutcome> ReadBarrierAsync(CancellationToken cancellation)
    {
        var result = await node.ReadBarrierAsync(cancellation).ConfigureAwait(false);
        if (result.IsGranted)
            return RequestOutcome.Completed;
        return result.Reason is { } reason ? ToOutcome(reason) : RequestOutcome.Indeterminate;
    }

    /// <inheritdoc/>
    public Task WaitForLeaderAsync(CancellationToken cancellation) => node.WaitForLeaderAsync(cancellation).AsTask();

    private static RequestOutcome ToOutcome(RejectReason reason) => reason switch
    {
        RejectReason.Stopped => RequestOutcome.Stopped,
        RejectReason.NoLeader or RejectReason.NotLeader or RejectReason.Superseded or RejectReason.Cancelled => RequestOutcome.Retry,
        RejectReason.Busy => RequestOutcome.Busy,
        RejectReason.TooLarge => RequestOutcome.TooLarge,
        _ => throw new InvalidOperationException($"no outcome is defined for the rejection {reason}"),
    };
}
