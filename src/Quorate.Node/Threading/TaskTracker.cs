namespace Quorate.Node.Threading;

/// <summary>
/// Tracks tasks that are not awaited one by one: the shutdown waits for all of them, and their unexpected exceptions are reported.
/// </summary>
internal sealed class TaskTracker(Action<Exception> onFault)
{
    private readonly Lock _gate = new();
    private readonly TaskCompletionSource _drained = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _running;
    private bool _closing;

    /// <summary>Starts work on the thread pool; does nothing after <see cref="DrainAsync"/>.</summary>
    public bool TryRun(Func<Task> work) => TryTrack(() => Task.Run(work));

    /// <summary>
    /// Starts blocking work on its own thread; does nothing if the system cannot create a thread, or after <see cref="DrainAsync"/>.
    /// </summary>
    public bool TryRunBlocking(Action work) => TryTrack(() =>
        Task.Factory.StartNew(
            work, CancellationToken.None, TaskCreationOptions.LongRunning | TaskCreationOptions.DenyChildAttach, TaskScheduler.Default));

    /// <summary>Prevents new work, and completes when all started work has ended.</summary>
    public Task DrainAsync()
    {
        lock (_gate)
        {
            _closing = true;
            if (_running == 0)
                _drained.TrySetResult();
        }

        return _drained.Task;
    }

    private bool TryTrack(Func<Task> start)
    {
        lock (_gate)
        {
            if (_closing)
                return false;
            _running++;
        }

        try
        {
            _ = TrackAsync(start());
            return true;
        }
        catch (TaskSchedulerException)
        {
            OnTaskEnded();
            return false;
        }
    }

    private async Task TrackAsync(Task work)
    {
        try
        {
            await work.ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            onFault(exception);
        }
        finally
        {
            OnTaskEnded();
        }
    }

    private void OnTaskEnded()
    {
        lock (_gate)
        {
            if (--_running == 0 && _closing)
                _drained.TrySetResult();
        }
    }
}
