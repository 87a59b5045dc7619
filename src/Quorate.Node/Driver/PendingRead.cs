namespace Quorate.Node.Driver;

/// <summary>One caller who waits until this node may read. Answered once, by whoever comes first: the table it waits in, or the caller, who gives up.</summary>
internal sealed class PendingRead(PendingReads owner)
{
    private readonly TaskCompletionSource<ReadResult> _source = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>How it ends.</summary>
    public Task<ReadResult> Task => _source.Task;

    /// <summary>Tells the caller, unless it was told before.</summary>
    public void Complete(in ReadResult result)
    {
        if (_source.TrySetResult(result))
            owner.OnCompleted();
    }
}
