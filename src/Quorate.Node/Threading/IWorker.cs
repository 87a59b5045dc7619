namespace Quorate.Node.Threading;

/// <summary>Runs work that would block the driver: on a thread in production, in virtual time in the simulator.</summary>
internal interface IWorker
{
    /// <summary>Queues work; it runs after everything posted before. Never blocks.</summary>
    void Post(Action work);
}

/// <summary>Runs posted work on one dedicated thread, in the order of the posts.</summary>
internal sealed class ThreadWorker : IWorker, IDisposable
{
    private readonly Lock _lock = new();
    private readonly Queue<Action> _work = new();
    private readonly WakeSignal _posted = new();
    private readonly Thread _thread;
    private bool _stopping;

    public ThreadWorker(string name) => _thread = new Thread(Run) { Name = name, IsBackground = true };

    /// <summary>Starts the thread. Work that was posted before runs first.</summary>
    public void Start() => _thread.Start();

    public void Post(Action work)
    {
        lock (_lock)
        {
            if (_stopping)
                return;
            _work.Enqueue(work);
        }

        _posted.Set();
    }

    /// <summary>Finishes the posted work, then ends the thread. Must not be called on that thread.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            if (_stopping)
                return;
            _stopping = true;
        }

        _posted.Set();
        if (!_thread.ThreadState.HasFlag(ThreadState.Unstarted))
            _thread.Join();
        _posted.Dispose();
    }

    private void Run()
    {
        while (true)
        {
            while (TryTake(out var work, out var stopping))
            {
                if (stopping)
                    return;
                work!();
            }

            _posted.Wait();
        }
    }

    private bool TryTake(out Action? work, out bool stopping)
    {
        lock (_lock)
        {
            var taken = _work.TryDequeue(out work);
            stopping = !taken && _stopping;
            return taken || stopping;
        }
    }
}
