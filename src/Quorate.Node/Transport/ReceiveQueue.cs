namespace Quorate.Node.Transport;

/// <summary>What has arrived and waits for the loop, in the order it arrived: many readers put in, the loop takes out.</summary>
/// <remarks>Whoever puts in tells the loop, when there is nothing more to put in at once. Bounded peer by peer through <see cref="ReceiveWindow"/>, so that one flooding peer cannot crowd out the others.</remarks>
internal sealed class ReceiveQueue
{
    private readonly Lock _gate = new();
    private List<ReceivedFrame> _received = [];
    private List<ReceivedFrame> _taken = [];
    private int _next;

    /// <summary>Puts in.</summary>
    public void Add(in ReceivedFrame frame)
    {
        lock (_gate)
            _received.Add(frame);
    }

    /// <summary>Takes the next; for the loop alone.</summary>
    public bool TryTake(out ReceivedFrame frame)
    {
        if (_next == _taken.Count)
        {
            _taken.Clear();
            _next = 0;
            lock (_gate)
                (_received, _taken) = (_taken, _received);
            if (_taken.Count == 0)
            {
                frame = default;
                return false;
            }
        }

        frame = _taken[_next++];
        return true;
    }
}

/// <summary>One thing that arrived.</summary>
/// <param name="Peer">From whom.</param>
/// <param name="Connection">On which connection; null says that a connection of the peer was closed by its side.</param>
/// <param name="Kind">The kind of the frame.</param>
/// <param name="Body">Its body, at the beginning of the array.</param>
/// <param name="BodyBytes">The length of it.</param>
/// <param name="Pooled">Whether the array goes back to the pool once the message has been dealt with.</param>
internal readonly record struct ReceivedFrame(Peer Peer, InboundConnection? Connection, WireKind Kind, byte[] Body, int BodyBytes, bool Pooled);

/// <summary>How much of one peer may wait in the <see cref="ReceiveQueue"/>.</summary>
internal sealed class ReceiveWindow(long bytesMax)
{
    private readonly object _gate = new();
    private long _usedBytes;

    public long UsedBytes => Volatile.Read(ref _usedBytes);

    public bool IsFull => UsedBytes >= bytesMax;

    public void Acquire(int bytes) => Interlocked.Add(ref _usedBytes, bytes);

    /// <summary>The loop is done with this much. The reader goes on at half, so that it reads in stretches and not frame by frame.</summary>
    public void Release(int bytes)
    {
        var after = Interlocked.Add(ref _usedBytes, -bytes);
        if (after < (bytesMax + 1) / 2 && after + bytes >= (bytesMax + 1) / 2)
            WakeReader();
    }

    /// <summary>Waits until there is room for one more frame.</summary>
    public void WaitForSpace(CancellationToken cancellation)
    {
        if (!IsFull)
            return;
        var registration = cancellation.UnsafeRegister(static self => ((ReceiveWindow)self!).WakeReader(), this);
        lock (_gate)
        {
            while (IsFull && !cancellation.IsCancellationRequested)
                Monitor.Wait(_gate);
        }

        registration.Unregister();

        cancellation.ThrowIfCancellationRequested();
    }

    private void WakeReader()
    {
        lock (_gate)
            Monitor.PulseAll(_gate);
    }
}
