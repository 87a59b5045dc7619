namespace Quorate.Node.Transport;

/// <summary>What has arrived and waits for the loop, in the order it arrived: many readers put in, the loop takes out.</summary>
/// <remarks>Bounded peer by peer through <see cref="InboxAllowance"/>, so that one flooding peer cannot crowd out the others.</remarks>
internal sealed class Inbox(Action wake)
{
    private readonly Lock _gate = new();
    private List<Arrival> _arrived = [];
    private List<Arrival> _taken = [];
    private int _next;

    /// <summary>Puts in; wakes the loop if it may have found nothing the last time it looked.</summary>
    public void Add(in Arrival arrival)
    {
        bool first;
        lock (_gate)
        {
            first = _arrived.Count == 0;
            _arrived.Add(arrival);
        }

        if (first)
            wake();
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
    private readonly AsyncSignal _room = new();
    private long _held;

    public long Held => Volatile.Read(ref _held);

    public void Take(int bytes) => Interlocked.Add(ref _held, bytes);

    /// <summary>The loop is done with this much. The reader goes on at half, so that it reads in stretches and not frame by frame.</summary>
    public void Give(int bytes)
    {
        var after = Interlocked.Add(ref _held, -bytes);
        if (after < (bytesMax + 1) / 2 && after + bytes >= (bytesMax + 1) / 2)
            _room.Set();
    }

    /// <summary>Completes when there is room for one more frame.</summary>
    public async ValueTask WaitForRoomAsync(CancellationToken cancellation)
    {
        if (Held < bytesMax)
            return;
        using var registration = cancellation.UnsafeRegister(static signal => ((AsyncSignal)signal!).Set(), _room);
        while (Held >= bytesMax)
        {
            cancellation.ThrowIfCancellationRequested();
            await _room.WaitAsync().ConfigureAwait(false);
        }
    }
}
