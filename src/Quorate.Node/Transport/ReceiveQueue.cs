namespace Quorate.Node.Transport;

/// <summary>The received frames that wait for the driver, in their order of arrival: many readers add, the driver takes.</summary>
/// <remarks>
/// A reader signals the loop when it has nothing more to add at once. The queue is bounded for each peer by its <see
/// cref="ReceiveWindow"/>, so that a flooding peer cannot displace the others.
/// </remarks>
internal sealed class ReceiveQueue
{
    private readonly Lock _gate = new();
    private List<ReceivedFrame> _received = [];
    private List<ReceivedFrame> _taken = [];
    private int _next;

    /// <summary>Adds a frame.</summary>
    public void Add(in ReceivedFrame frame)
    {
        lock (_gate)
            _received.Add(frame);
    }

    /// <summary>Takes the next frame; for the driver only.</summary>
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

/// <summary>A received frame, or the notification that a peer closed a connection.</summary>
/// <param name="Peer">The sender.</param>
/// <param name="Connection">The connection; null means that the peer closed a connection.</param>
/// <param name="Kind">The kind of the frame.</param>
/// <param name="Body">The array with the body at its start.</param>
/// <param name="BodyBytes">The length of the body.</param>
/// <param name="Pooled">Whether the array is returned to the pool once the message has been processed.</param>
internal readonly record struct ReceivedFrame(
    Peer Peer, InboundConnection? Connection, WireFrameKind Kind, byte[] Body, int BodyBytes, bool Pooled);

/// <summary>Flow control: bounds the bytes of one peer in the <see cref="ReceiveQueue"/>.</summary>
internal sealed class ReceiveWindow(long bytesMax)
{
    private readonly object _gate = new();
    private long _usedBytes;

    public long UsedBytes => Volatile.Read(ref _usedBytes);

    public bool IsFull => UsedBytes >= bytesMax;

    public void Acquire(int bytes) => Interlocked.Add(ref _usedBytes, bytes);

    /// <summary>
    /// Releases bytes that the driver has processed. A blocked reader resumes when the window is half empty, so that it reads in bursts and
    /// not frame by frame.
    /// </summary>
    public void Release(int bytes)
    {
        var after = Interlocked.Add(ref _usedBytes, -bytes);
        if (after < (bytesMax + 1) / 2 && after + bytes >= (bytesMax + 1) / 2)
            WakeReader();
    }

    /// <summary>Blocks until there is space for one more frame.</summary>
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
