using Quorate.Node.Versions;
using Quorate.Raft;

namespace Quorate.Node.Transport;

/// <summary>
/// A peer of this node, from its addition until its removal: its send queue, its receive window, and its two connections.
/// </summary>
/// <remarks>
/// A node sends on the connection that it opened, and receives on the one that the peer opened. So the two sides need not agree which of
/// two crossing connection attempts survives, and the side that sends on a broken connection detects and replaces it.
/// </remarks>
internal sealed class Peer : IDisposable
{
    private const long NoContact = long.MinValue;

    /// <summary>A peer has one handshake in progress, and some more while connections are broken that it has abandoned.</summary>
    private const int HandshakesMax = 4;

    private readonly TransportContext _context;
    private readonly Lock _gate = new();
    private readonly CancellationTokenSource _removed = new();
    private InboundConnection? _inbound;
    private int _handshakes;
    private long _lastContact = NoContact;
    private long _established;
    private long _lostUpTo;
    private long _receivedMessages;
    private long _receivedBytes;
    private long _malformed;
    private long _unknownKinds;
    private long _unknownGroups;
    private long _connects;
    private long _losses;
    private object? _version;

    public Peer(TransportContext context, NodeId id, PeerAddress address)
    {
        _context = context;
        Id = id;
        SendQueue = new SendQueue(context.Options.Group, context.Options.MaxSendQueueBytes);
        ReceiveWindow = new ReceiveWindow(context.Options.MaxReceiveQueueBytes);
        Outbound = new OutboundConnection(context, this, address);
        Removed = _removed.Token;
    }

    public NodeId Id { get; }

    /// <summary>The name of the peer in messages for the operator.</summary>
    public string Name => _context.Options.NameOf(Id);

    /// <summary>The version that the peer stated in its last handshake; (0, 0): there was none.</summary>
    public ClusterVersion Version
    {
        get => (ClusterVersion)(Volatile.Read(ref _version) ?? default(ClusterVersion));
        set => Volatile.Write(ref _version, value);
    }

    public SendQueue SendQueue { get; }

    public ReceiveWindow ReceiveWindow { get; }

    public OutboundConnection Outbound { get; }

    /// <summary>Cancelled when the peer is removed, or when the network stops.</summary>
    public CancellationToken Removed { get; }

    public PeerCounters Counters => new()
    {
        Peer = Id,
        Connected = SendQueue.IsOpen,
        Version = Version == default ? null : Version,
        Accepted = Volatile.Read(ref _inbound) is not null,
        SentMessages = SendQueue.SentMessages,
        SentBytes = SendQueue.SentBytes,
        ReceivedMessages = Interlocked.Read(ref _receivedMessages),
        ReceivedBytes = Interlocked.Read(ref _receivedBytes),
        DroppedMessages = SendQueue.Dropped,
        Malformed = Interlocked.Read(ref _malformed),
        UnknownKinds = Interlocked.Read(ref _unknownKinds),
        UnknownGroups = Interlocked.Read(ref _unknownGroups),
        Connects = Interlocked.Read(ref _connects),
        Losses = Interlocked.Read(ref _losses),
        SinceLastContact = SinceLastContact,
        SendQueueBytes = SendQueue.QueuedBytes,
        ReceiveQueueBytes = ReceiveWindow.UsedBytes,
    };

    private TimeSpan? SinceLastContact => Volatile.Read(ref _lastContact) is var contact && contact == NoContact
        ? null
        : _context.Options.TimeProvider.GetElapsedTime(contact);

    /// <summary>Ends both connections; the tasks that serve them end by themselves.</summary>
    public void Remove() => _context.TaskTracker.TryRun(_removed.CancelAsync);

    public void Dispose() => _removed.Dispose();

    /// <summary>Reserves one of the few handshakes that may be in progress under the id of this peer; each occupies a thread.</summary>
    public bool TryBeginHandshake()
    {
        if (Interlocked.Increment(ref _handshakes) <= HandshakesMax)
            return true;
        EndHandshake();
        return false;
    }

    /// <summary>Called when a handshake under the id of this peer has ended, with either result.</summary>
    public void EndHandshake() => Interlocked.Decrement(ref _handshakes);

    /// <summary>
    /// Makes <paramref name="connection"/> the inbound connection. The previous one must end: the peer has abandoned it, because it has
    /// connected again and has proved that with the id of its data directory.
    /// </summary>
    /// <returns>The previous connection, which may still be adding frames to the receive queue.</returns>
    public InboundConnection? Replace(InboundConnection connection)
    {
        lock (_gate)
            return Interlocked.Exchange(ref _inbound, connection);
    }

    /// <summary>Called when this connection has ended.</summary>
    public void Release(InboundConnection connection) => Interlocked.CompareExchange(ref _inbound, null, connection);

    /// <summary>
    /// Called when a connection with this peer is established, in either direction. Returns its number, for <see cref="OnLost"/>.
    /// </summary>
    public long OnEstablished(bool outbound)
    {
        OnContact();
        if (outbound)
            Interlocked.Increment(ref _connects);
        return Interlocked.Increment(ref _established);
    }

    /// <summary>Called when a connection has ended that this node did not end.</summary>
    /// <remarks>
    /// A process that dies ends both of its connections. The driver receives one event: every connection that was established when a loss
    /// was reported is part of that loss, however late its own end is detected.
    /// </remarks>
    public void OnLost(long established, bool closedByPeer, string text)
    {
        Interlocked.Increment(ref _losses);
        _context.Events.Report(TransportEventKind.Lost, Id, text);
        if (!closedByPeer)
            return;

        lock (_gate)
        {
            if (established <= _lostUpTo)
                return;
            _lostUpTo = Interlocked.Read(ref _established);
        }

        _context.ReceiveQueue.Add(new ReceivedFrame(this, null, default, [], 0, false));
        _context.SignalLoop();
    }

    /// <summary>
    /// Called when the peer has shown that it runs: by a handshake, or by frames. Once for frames that arrived together, because reading
    /// the clock for each costs time.
    /// </summary>
    public void OnContact() => Volatile.Write(ref _lastContact, _context.Options.TimeProvider.GetTimestamp());

    public void OnReceived(int bytes)
    {
        ReceiveWindow.Acquire(bytes);
        Interlocked.Add(ref _receivedBytes, bytes);
    }

    public void OnMessageReceived() => Interlocked.Increment(ref _receivedMessages);

    public void OnUnknownKind() => Interlocked.Increment(ref _unknownKinds);

    /// <summary>Called for a frame of a group that this node does not run: counts it, and reports the first of each connection.</summary>
    public void OnUnknownGroup(GroupId group, bool isFirst)
    {
        Interlocked.Increment(ref _unknownGroups);
        if (!isFirst)
            return;
        _context.Events.Report(
            TransportEventKind.UnknownGroup, Id,
            $"Skipped a message of node {Name} for group {group}: this node runs group {_context.Options.Group} only. "
            + "Nothing of it was applied. If this repeats, the two nodes run different releases: upgrade the older of the two.");
    }

    public void OnMalformed(WireFormatException fault)
    {
        Interlocked.Increment(ref _malformed);
        _context.Events.Report(
            TransportEventKind.Malformed, Id,
            $"Dropped the connection of node {Name}: {fault.Message}. "
            + "If this repeats, the network between the two nodes corrupts data, or one of them runs a faulty release.");
    }
}
