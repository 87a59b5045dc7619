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
        ProposalResult<KvResult> result;
        try
        {
            result = await node.ProposeAsync(command, cancellation).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            return new KvProposalResult(RequestOutcome.Retry, default);
        }
        catch (NodeStoppedException)
        {
            return new KvProposalResult(RequestOutcome.Stopped, default);
        }

        return result.Outcome switch
        {
            ProposalOutcome.Committed => new KvProposalResult(RequestOutcome.Completed, result.Result),
            ProposalOutcome.Rejected => new KvProposalResult(ToOutcome(result.Reason!.Value), default),
            ProposalOutcome.Indeterminate => new KvProposalResult(RequestOutcome.Indeterminate, default),
            _ => throw new InvalidOperationException($"unexpected proposal outcome {result.Outcome}"),
        };
    }

    /// <inheritdoc/>
    public async ValueTask<RequestOutcome> ReadBarrierAsync(CancellationToken cancellation)
    {
        try
        {
            var result = await node.ReadBarrierAsync(cancellation).ConfigureAwait(false);
            return result.IsGranted ? RequestOutcome.Completed : ToOutcome(result.Reason!.Value);
        }
        catch (OperationCanceledException)
        {
            return RequestOutcome.Indeterminate;
        }
        catch (NodeStoppedException)
        {
            return RequestOutcome.Stopped;
        }
    }

    /// <inheritdoc/>
    public Task WaitForLeaderAsync(CancellationToken cancellation) => node.WaitForLeaderAsync(cancellation).AsTask();

    private static RequestOutcome ToOutcome(RejectReason reason) => reason switch
    {
        RejectReason.NoLeader or RejectReason.NotLeader or RejectReason.Superseded => RequestOutcome.Retry,
        RejectReason.Busy => RequestOutcome.Busy,
        RejectReason.TooLarge => RequestOutcome.TooLarge,
        _ => throw new InvalidOperationException($"no outcome is defined for the rejection {reason}"),
    };
}
