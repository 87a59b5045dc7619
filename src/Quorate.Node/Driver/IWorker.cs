namespace Quorate.Node.Driver;

/// <summary>Where work is done that the loop must not wait for: production gives it a thread, the simulator a place in virtual time.</summary>
internal interface IWorker
{
    /// <summary>Does this later, after everything posted before it. Never waits.</summary>
    void Post(Action work);
}

/// <summary>A thread that does one piece of work after another, in the order they were posted.</summary>
internal sealed class ThreadWorker : IWorker, IDisposable
{
    private readonly Lock _lock = new();
    private readonly Queue<Action> _work = new();
    private readonly WakeSignal _posted = new();
    private readonly Thread _thread;
    private bool _stopping;

    public ThreadWorker(string name) => _thread = new Thread(Run) { Name = name, IsBackground = true };

    /// <summary>Starts the thread; what was posted before is done first.</summary>
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

    /// <summary>Finishes what was posted, then ends the thread. Not to be called from the thread itself.</summary>
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
