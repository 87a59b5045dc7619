namespace Quorate.Node.Transport;

/// <summary>What has arrived and waits for the loop, in the order it arrived: many readers put in, the loop takes out.</summary>
/// <remarks>Whoever puts in tells the loop, when there is nothing more to put in at once. Bounded peer by peer through <see cref="InboxAllowance"/>, so that one flooding peer cannot crowd out the others.</remarks>
internal sealed class Inbox
{
    private readonly Lock _gate = new();
    private List<Arrival> _arrived = [];
    private List<Arrival> _taken = [];
    private int _next;

    /// <summary>Puts in.</summary>
    public void Add(in Arrival arrival)
    {
        lock (_gate)
            _arrived.Add(arrival);
    }

    /// <summary>Takes the next; for the loop alone.</summary>
    public bool TryTake(out Arrival arrival)
    {
        if (_next == _taken.Count)
        {
            _taken.Clear();
            _next = 0;
            lock (_gate)
                (_arrived, _taken) = (_taken, _arrived);
            if (_taken.Count == 0)
            {
                arrival = default;
                return false;
            }
        }

        arrival = _taken[_next++];
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
internal readonly record struct Arrival(Peer Peer, IncomingConnection? Connection, WireKind Kind, byte[] Body, int BodyBytes, bool Pooled);

/// <summary>How much of one peer may wait in the <see cref="Inbox"/>.</summary>
internal sealed class InboxAllowance(long bytesMax)
{
    private readonly object _room = new();
    private long _held;

    public long Held => Volatile.Read(ref _held);

    public bool IsUsedUp => Held >= bytesMax;

    public void Take(int bytes) => Interlocked.Add(ref _held, bytes);

    /// <summary>The loop is done with this much. The reader goes on at half, so that it reads in stretches and not frame by frame.</summary>
    public void Give(int bytes)
    {
        var after = Interlocked.Add(ref _held, -bytes);
        if (after < (bytesMax + 1) / 2 && after + bytes >= (bytesMax + 1) / 2)
            WakeReader();
    }

    /// <summary>Waits until there is room for one more frame.</summary>
    public void WaitForRoom(CancellationToken cancellation)
    {
        if (!IsUsedUp)
            return;
        var end = cancellation.UnsafeRegister(static self => ((InboxAllowance)self!).WakeReader(), this);
        lock (_room)
        {
            while (IsUsedUp && !cancellation.IsCancellationRequested)
                Monitor.Wait(_room);
        }

        end.Unregister();

        cancellation.ThrowIfCancellationRequested();
    }

    private void WakeReader()
    {
        lock (_room)
            Monitor.PulseAll(_room);
    }
}
