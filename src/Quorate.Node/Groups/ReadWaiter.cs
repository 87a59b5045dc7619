namespace Quorate.Node.Groups;

/// <summary>One caller who waits until this node may read. Answered once, by whoever comes first: the table it waits in, or the caller, who gives up.</summary>
internal sealed class ReadWaiter(ReadTable table)
{
    private readonly TaskCompletionSource<ReadResult> _caller = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>How it ends.</summary>
    public Task<ReadResult> Task => _caller.Task;

    /// <summary>Tells the caller, unless it was told before.</summary>
    public void Answer(in ReadResult result)
    {
        if (_caller.TrySetResult(result))
            table.OnAnswered();
    }
}
