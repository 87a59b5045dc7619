namespace Quorate.Node.Threading;

/// <summary>Runs the iterations of a loop one at a time: on the loop's own thread, or inline on the thread that brings an event.</summary>
/// <remarks>
/// A received message or a completed flush is first known to a node thread that is awake and has nothing else to do. That thread runs the
/// iteration itself, which saves a thread switch for each message and each flush on the path of every write; on a machine with few cores
/// these switches cost more than everything else. It runs one iteration and no more: events that arrive meanwhile are left to the loop's
/// own thread, so that neither the disk nor a connection has to wait. Client threads never run iterations.
/// Threading: any thread may signal or run inline. Iterations exclude each other, and each observes the writes of the one before.
/// </remarks>
internal sealed class LoopScheduler : ILoop, IDisposable
{
    private const int Idle = 0;
    private const int Running = 1;

    /// <summary>An iteration is running, and an event has arrived since it began.</summary>
    private const int RerunRequested = 2;
    private const int Closed = 3;

    private readonly WakeSignal _signal = new();
    private readonly Thread _thread;
    private Action? _runOnce;
    private Func<TimeSpan>? _untilNextTick;
    private Action<Exception?>? _onStopped;
    private volatile bool _stopping;
    private Exception? _fault;
    private int _state = Closed;

    /// <param name="name">The name of the thread.</param>
    public LoopScheduler(string name) => _thread = new Thread(Run) { Name = name, IsBackground = true };

    /// <summary>Starts the loop. The first iteration handles the events that were signalled before.</summary>
    /// <param name="runOnce">Runs one iteration. If it throws, it was the last one.</param>
    /// <param name="untilNextTick">Returns the time until an iteration is due without any event.</param>
    /// <param name="onStopped">Called once, on the loop's thread, after the last iteration: with the exception if that one threw.</param>
    public void Start(Action runOnce, Func<TimeSpan> untilNextTick, Action<Exception?> onStopped)
    {
        (_runOnce, _untilNextTick, _onStopped) = (runOnce, untilNextTick, onStopped);
        Volatile.Write(ref _state, Idle);
        _thread.Start();
    }

    /// <summary>Signals that there is an event; the loop's own thread runs an iteration.</summary>
    public void Signal() => _signal.Set();

    /// <summary>Runs an iteration for a new event on the calling thread; if one is already running, another will follow it.</summary>
    public void TryRunInline()
    {
        if (TryEnter(Running))
            RunIteration();
    }

    /// <summary>Stops the loop and waits for the last iteration. Must not be called within an iteration.</summary>
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
                _signal.Wait(_untilNextTick!());
            }
            else
            {
                // Without a timeout: the next tick may be due already, and stays due until the running iteration has taken it.
                _signal.Wait();
            }
        }

        while (!TryEnter(Closed))
            _signal.Wait();
        _onStopped!(_fault);
    }

    /// <summary>
    /// Moves from idle to <paramref name="state"/>. Returns false when another thread is running an iteration, which signals the loop's own
    /// thread at its end, or when the loop has stopped.
    /// </summary>
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
            _runOnce!();
        }
#pragma warning disable CA1031 // Any exception ends the loop, stops the node, and becomes the exception of RaftNode.Completion.
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
