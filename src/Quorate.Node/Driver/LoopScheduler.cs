namespace Quorate.Node.Driver;

/// <summary>Sees to it that a group's turns are taken, one at a time: by a thread of its own, or by the thread that brings the news.</summary>
/// <remarks>
/// A message that has been read, or a flush that has ended, is known first to a thread of ours that is awake and has nothing better to do. It takes the turn
/// itself, and so spares the way of every write a change of threads for each message and each flush; on few cores those cost more than all
/// the rest. It takes one turn and no more: what has come meanwhile is for the group's own thread, so that neither a disk nor a connection is kept waiting. Clients never take turns.
/// Threading: any thread wakes and takes; the turns themselves exclude each other, and each sees what the one before has done.
/// </remarks>
internal sealed class LoopScheduler : IDisposable
{
    private const int Idle = 0;
    private const int Running = 1;

    /// <summary>A turn is being taken, and there has been news since it began.</summary>
    private const int RerunRequested = 2;
    private const int Closed = 3;

    private readonly Action _runOnce;
    private readonly TickClock _clock;
    private readonly Action<Exception?> _onStopped;
    private readonly WakeSignal _signal = new();
    private readonly Thread _thread;
    private volatile bool _stopping;
    private Exception? _fault;
    private int _state = Closed;

    /// <param name="name">Of the thread.</param>
    /// <param name="runOnce">Takes a turn. If it throws, that was the last one.</param>
    /// <param name="clock">Says when a turn is due though nothing happens.</param>
    /// <param name="onStopped">Called once, on the thread, when the last turn has been taken: with the reason, if one has thrown.</param>
    public LoopScheduler(string name, Action runOnce, TickClock clock, Action<Exception?> onStopped)
    {
        _runOnce = runOnce;
        _clock = clock;
        _onStopped = onStopped;
        _thread = new Thread(Run) { Name = name, IsBackground = true };
    }

    /// <summary>From here on turns are taken. What was told before is found by the first.</summary>
    public void Start()
    {
        Volatile.Write(ref _state, Idle);
        _thread.Start();
    }

    /// <summary>There is something to do: the group's own thread will take a turn.</summary>
    public void Signal() => _signal.Set();

    /// <summary>There is something to do: takes a turn, here and now; if one is being taken already, another will follow it.</summary>
    public void TryRunInline()
    {
        if (TryEnter(Running))
            RunIteration();
    }

    /// <summary>Waits until the last turn has been taken; there will be no other. Not to be called in a turn.</summary>
    public void Stop()
    {
        _stopping = true;
        _signal.Set();
        _thread.Join();
    }

    public void Dispose() => _signal.Dispose();

    private void Run()
    {
        while (!_stopping)
        {
            if (TryEnter(Running))
            {
                RunIteration();
                _signal.Wait(_clock.UntilNext);
            }
            else
            {
                // Not until the clock's next tick: that is due perhaps, and stays so until the other has seen it.
                _signal.Wait();
            }
        }

        while (!TryEnter(Closed))
            _signal.Wait();
        _onStopped(_fault);
    }

    /// <summary>Goes from idle to this state. False when another is in the middle of a turn, which wakes the group's own thread at its end, or when there are none any more.</summary>
    private bool TryEnter(int state)
    {
        while (true)
        {
            switch (Interlocked.CompareExchange(ref _state, state, Idle))
            {
                case Idle:
                    return true;

                case Closed:
                    return state == Closed;

                case RerunRequested:
                case Running when Interlocked.CompareExchange(ref _state, RerunRequested, Running) == Running:
                    return false;
            }
        }
    }

    private void RunIteration()
    {
        try
        {
            _runOnce();
        }
#pragma warning disable CA1031 // Whatever stops the turns stops the node, and is its completion's exception.
        catch (Exception fault)
#pragma warning restore CA1031
        {
            _fault = fault;
            _stopping = true;
            Volatile.Write(ref _state, Closed);
            _signal.Set();
            return;
        }

        if (Interlocked.Exchange(ref _state, Idle) == RerunRequested)
            _signal.Set();
    }
}
