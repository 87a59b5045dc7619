using Quorate.Raft;

namespace Quorate.Node.Driver;

/// <summary>
/// A caller that waits until this node may read. It is completed once: by <see cref="PendingReads"/>, or by the caller when it stops
/// waiting.
/// </summary>
internal sealed class PendingRead(PendingReads owner, LogIndex atLeastIndex, Term leaseTerm = default)
{
    private readonly TaskCompletionSource<ReadResult> _source = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>The index that must be applied, whatever else the read waits for.</summary>
    public LogIndex AtLeastIndex => atLeastIndex;

    /// <summary>The result of the read request.</summary>
    public Task<ReadResult> Task => _source.Task;

    /// <summary>Completes the read, if it has no result yet.</summary>
    public void Complete(in ReadResult result)
    {
        var usesLease = result.IsGranted && leaseTerm != Term.Zero;
        if (_source.TrySetResult(usesLease ? result with { Lease = owner.Lease, LeaseTerm = leaseTerm } : result))
            owner.OnCompleted();
    }

    /// <summary>Cancels the read, if it has no result yet: its caller has stopped waiting.</summary>
    public void Cancel(CancellationToken cancellationToken = default)
    {
        if (_source.TrySetCanceled(cancellationToken))
            owner.OnCompleted();
    }

    /// <summary>Fails the read, if it has no result yet: the node has stopped.</summary>
    public void Fail(NodeStoppedException stopped)
    {
        if (_source.TrySetException(stopped))
            owner.OnCompleted();
    }
}
