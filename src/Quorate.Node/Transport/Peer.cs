using Quorate.Raft;

namespace Quorate.Node.Transport;

/// <summary>One other node, from when it became a peer to when it no longer is: what waits for it, what came from it, its two connections.</summary>
/// <remarks>
/// We send on the connection that we dialled and receive on the one that the peer dialled. So neither side has to agree on which of two
/// crossing dials survives, and a broken direction is noticed and mended by the side that sends on it.
/// </remarks>
internal sealed class Peer : IDisposable
{
    private readonly TcpNetwork _network;
    private readonly Lock _gate = new();
    private readonly CancellationTokenSource _removed = new();
    private InboundConnection? _inbound;
    private long _established;
    private long _lostUpTo;
    private long _receivedMessages;
    private long _receivedBytes;
    private long _malformed;
    private long _unknownKinds;
    private long _connects;
    private long _losses;

    public Peer(TcpNetwork network, NodeId id, PeerAddress address)
    {
        _network = network;
        Id = id;
        SendQueue = new SendQueue(network.Options.MaxSendQueueBytes);
        ReceiveWindow = new ReceiveWindow(network.Options.MaxReceiveQueueBytes);
        Outbound = new OutboundConnection(network, this, address);
        Removed = _removed.Token;
    }

    public NodeId Id { get; }

    public SendQueue SendQueue { get; }

    public ReceiveWindow ReceiveWindow { get; }

    public OutboundConnection Outbound { get; }

    /// <summary>Cancelled once this node is no peer of ours any more, or we end.</summary>
    public CancellationToken Removed { get; }

    public PeerCounters Counters => new(
        Id, SendQueue.IsOpen, Volatile.Read(ref _inbound) is not null,
        SendQueue.SentMessages, SendQueue.SentBytes, Interlocked.Read(ref _receivedMessages), Interlocked.Read(ref _receivedBytes),
        SendQueue.Dropped, Interlocked.Read(ref _malformed), Interlocked.Read(ref _unknownKinds),
        Interlocked.Read(ref _connects), Interlocked.Read(ref _losses),
        SendQueue.QueuedBytes, ReceiveWindow.UsedBytes);

    /// <summary>Ends both connections; the tasks that serve them end by themselves.</summary>
    public void Remove() => _network.TaskTracker.TryRun(_removed.CancelAsync);

    public void Dispose() => _removed.Dispose();

    /// <summary>Makes this the connection we receive on, and ends the one before: the peer has given that up, or it would not have dialled.</summary>
    /// <returns>The connection before, which may still be putting what it read into the inbox.</returns>
    public InboundConnection? Replace(InboundConnection connection)
    {
        lock (_gate)
            return Interlocked.Exchange(ref _inbound, connection);
    }

    /// <summary>This connection has ended.</summary>
    public void Release(InboundConnection connection) => Interlocked.CompareExchange(ref _inbound, null, connection);

    /// <summary>A connection of this peer stands, in either direction. The number is for <see cref="OnLost"/>.</summary>
    public long OnEstablished(bool outbound)
    {
        if (outbound)
            Interlocked.Increment(ref _connects);
        return Interlocked.Increment(ref _established);
    }

    /// <summary>A connection has ended that we did not end.</summary>
    /// <remarks>
    /// A process that dies takes both of its connections with it. The loop is told once: what stood already when a loss was told is part
    /// of that loss, however late its own end is noticed.
    /// </remarks>
    public void OnLost(long established, bool closedByPeer, string text)
    {
        Interlocked.Increment(ref _losses);
        _network.Report(TransportEventKind.Lost, Id, text);
        if (!closedByPeer)
            return;

        lock (_gate)
        {
            if (established <= _lostUpTo)
                return;
            _lostUpTo = Interlocked.Read(ref _established);
        }

        _network.ReceiveQueue.Add(new ReceivedFrame(this, null, default, [], 0, false));
        _network.SignalLoop();
    }

    public void OnReceived(int bytes)
    {
        ReceiveWindow.Acquire(bytes);
        Interlocked.Add(ref _receivedBytes, bytes);
    }

    public void OnMessageReceived() => Interlocked.Increment(ref _receivedMessages);

    public void OnUnknownKind() => Interlocked.Increment(ref _unknownKinds);

    public void OnMalformed(WireFormatException fault)
    {
        Interlocked.Increment(ref _malformed);
        _network.Report(
            TransportEventKind.Malformed, Id,
            $"Dropped the connection of node {Id}: {fault.Message}. If this repeats, the network between the two damages data, or one of them runs a faulty release.");
    }
}
