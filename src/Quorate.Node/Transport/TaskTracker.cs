namespace Quorate.Node.Transport;

/// <summary>Owns the tasks that nobody awaits one by one: the end waits for all, and what one of them did not expect is not lost.</summary>
internal sealed class TaskTracker(Action<Exception> onFault)
{
    private readonly Lock _gate = new();
    private readonly TaskCompletionSource _drained = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _running;
    private bool _closing;

    /// <summary>Starts work in the thread pool; does nothing once <see cref="DrainAsync"/> was called.</summary>
    public bool TryRun(Func<Task> work) => TryTrack(() => Task.Run(work));

    /// <summary>Starts work that waits in the system, on a thread of its own; does nothing where the system has no thread to give, or after <see cref="DrainAsync"/>.</summary>
    public bool TryRunBlocking(Action work) => TryTrack(() =>
        Task.Factory.StartNew(work, CancellationToken.None, TaskCreationOptions.LongRunning | TaskCreationOptions.DenyChildAttach, TaskScheduler.Default));

    /// <summary>Completes when all that was started has ended; nothing more is started.</summary>
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
