using System.Buffers;
using System.Net;
using System.Runtime.ExceptionServices;
using Quorate.Node.Io;
using Quorate.Raft;

namespace Quorate.Node.Transport;

/// <summary>The network of a real cluster: TCP, a connection each way between every two nodes.</summary>
/// <remarks>
/// <code>
///   loop ── Send ──► SendQueue ── Flush ──► socket; what it does not take at once, the Dialer's writer sends    (one a peer)
///   loop ◄─ TryReceive ── Inbox ◄── IncomingConnection ◄── FrameReader ◄── socket      (one thread a peer, after the Listener let it in)
/// </code>
/// Threading: <see cref="Send"/>, <see cref="Flush"/> and <see cref="TryReceive"/> are for the loop, one caller at a time, and never wait for anything;
/// all else may be called from any thread.
/// Errors: what a network does is never an exception here. A mistake of ours in a background task comes out of the next <see cref="TryReceive"/>.
/// </remarks>
public sealed class TcpNetwork : INodeNetwork
{
    private readonly Action _onReady;
    private readonly Lock _gate = new();
    private readonly CancellationTokenSource _ending = new();
    private readonly List<Listener> _listeners = [];
    private readonly List<Peer> _unflushed = [];
    private readonly WireDecoder _decoder = new();
    private readonly LogThrottle _rejectionLogThrottle;
    private volatile Dictionary<NodeId, Peer> _peers = [];
    private ReceivedFrame _current;
    private ExceptionDispatchInfo? _fault;
    private long _droppedUnknownPeer;
    private long _handshakesRejected;
    private bool _disposed;

    private TcpNetwork(TcpNetworkOptions options, Action onReady)
    {
        Options = options;
        _onReady = onReady;
        ReceiveQueue = new ReceiveQueue();
        TaskTracker = new TaskTracker(OnFault);
        HandshakeLimiter = new HandshakeLimiter(options.MaxHandshakes, options.MaxHandshakesPerAddress);
        Ending = _ending.Token;
        _rejectionLogThrottle = new LogThrottle(options.TimeProvider);
    }

    /// <summary>Where we listen; with port 0 in the options, the ports that the system chose.</summary>
    public IReadOnlyList<IPEndPoint> ListenEndPoints { get; private set; } = [];

    /// <summary>What has been counted so far.</summary>
    public TransportCounters Counters => new(
        [.. _peers.Values.Select(peer => peer.Counters).OrderBy(counters => counters.Peer)],
        Interlocked.Read(ref _handshakesRejected), Interlocked.Read(ref _droppedUnknownPeer));

    internal TcpNetworkOptions Options { get; }

    internal ReceiveQueue ReceiveQueue { get; }

    internal TaskTracker TaskTracker { get; }

    internal HandshakeLimiter HandshakeLimiter { get; }

    internal CancellationToken Ending { get; }

    /// <summary>Of our folder; 0 when we have none.</summary>
    internal ulong Incarnation => Options.Incarnations?.Own ?? 0;

    /// <summary>Whether a peer comes with the folder it had when we met it. What we have not met is remembered.</summary>
    /// <remarks>A flush that fails ends the node: the fault comes out of the next <see cref="TryReceive"/>. A disk that is full lets nobody new in.</remarks>
    internal bool TryRecordIncarnation(NodeId peer, ulong incarnation)
    {
        try
        {
            return Options.Incarnations?.TryRecord(peer, incarnation) ?? true;
        }
        catch (DiskFlushException fault)
        {
            OnFault(fault);
            throw;
        }
    }

    /// <summary>Listens, and begins to dial every peer.</summary>
    /// <param name="options">All there is to say.</param>
    /// <param name="onReady">
    /// Called when something has arrived for a loop that may be asleep, on the thread that has read it: the loop may take its turn right there. While this
    /// runs, nothing more is read from that peer. It must not throw.
    /// </param>
    /// <exception cref="ArgumentException">An option is out of its range.</exception>
    /// <exception cref="TransportStartException">A listen address cannot be used.</exception>
    public static TcpNetwork Start(TcpNetworkOptions options, Action onReady)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(onReady);
        options.Validate();

        var network = new TcpNetwork(options, onReady);
        try
        {
            foreach (var address in options.ListenEndPoints)
                network._listeners.AddRange(Listener.Bind(network, address));
        }
        catch
        {
            foreach (var listener in network._listeners)
                listener.Dispose();
            network._ending.Dispose();
            throw;
        }

        network.ListenEndPoints = [.. network._listeners.Select(listener => listener.EndPoint)];
        network.SetPeers(options.Peers);
        foreach (var listener in network._listeners)
            network.TaskTracker.TryRun(listener.RunAsync);
        return network;
    }

    /// <summary>
    /// These are the peers from now on. Who is new is dialled, who moved is dialled anew, who is missing is cut off; the others notice nothing.
    /// </summary>
    public void SetPeers(IReadOnlyDictionary<NodeId, PeerAddress> peers)
    {
        ArgumentNullException.ThrowIfNull(peers);
        lock (_gate)
        {
            if (_disposed)
                return;
            var before = _peers;
            var after = new Dictionary<NodeId, Peer>();
            foreach (var (id, address) in peers)
            {
                if (id == Options.NodeId)
                    continue;
                if (before.TryGetValue(id, out var peer))
                {
                    peer.Outbound.Address = address;
                }
                else
                {
                    peer = new Peer(this, id, address);
                    TaskTracker.TryRun(peer.Outbound.RunAsync);
                }

                after.Add(id, peer);
            }

            _peers = after;
            foreach (var (id, peer) in before)
            {
                if (!after.ContainsKey(id))
                    peer.Remove();
            }
        }
    }

    /// <inheritdoc/>
    public void Send(Message message)
    {
        ArgumentNullException.ThrowIfNull(message);
        if (message.To == Options.NodeId || message.From != Options.NodeId)
            throw new InvalidOperationException($"{message} is not from this node {Options.NodeId} to another: the caller has mixed something up");

        if (!_peers.TryGetValue(message.To, out var peer))
        {
            Interlocked.Increment(ref _droppedUnknownPeer);
            return;
        }

        var bytes = WireEncoder.SizeOf(message);
        if (bytes > Options.MaxFrameBytes)
            throw new InvalidOperationException($"{message} takes {bytes} bytes; no peer accepts more than FrameBytesMax = {Options.MaxFrameBytes}");
        if (peer.SendQueue.TryAdd(message, (int)bytes) && !_unflushed.Contains(peer))
            _unflushed.Add(peer);
    }

    /// <inheritdoc/>
    public void Flush()
    {
        foreach (var peer in _unflushed)
            peer.SendQueue.Flush();
        _unflushed.Clear();
    }

    /// <inheritdoc/>
    public bool TryReceive(out NetworkEvent received)
    {
        Volatile.Read(ref _fault)?.Throw();
        ReleaseFrame(_current);
        _current = default;
        while (ReceiveQueue.TryTake(out var frame))
        {
            if (frame.Connection is null)
            {
                received = new NetworkEvent(NetworkEventKind.Disconnected, frame.Peer.Id, null);
                return true;
            }

            if (TryDecode(frame, out var message))
            {
                _current = frame;
                received = new NetworkEvent(NetworkEventKind.Message, frame.Peer.Id, message);
                return true;
            }

            ReleaseFrame(frame);
        }

        received = default;
        return false;
    }

    /// <summary>Closes every connection and completes when nothing of this network runs any more. What was queued is not sent.</summary>
    public async ValueTask DisposeAsync()
    {
        Dictionary<NodeId, Peer> peers;
        lock (_gate)
        {
            if (_disposed)
                return;
            _disposed = true;
            peers = _peers;
            foreach (var peer in peers.Values)
                peer.Remove();
        }

        await _ending.CancelAsync().ConfigureAwait(false);
        foreach (var listener in _listeners)
            listener.Dispose();
        await TaskTracker.DrainAsync().ConfigureAwait(false);
        foreach (var peer in peers.Values)
            peer.Dispose();
        _ending.Dispose();
    }

    /// <summary>There is something in the inbox.</summary>
    internal void SignalLoop() => _onReady();

    internal Peer? Find(NodeId id) => _peers.GetValueOrDefault(id);

    internal void Report(TransportEventKind kind, NodeId peer, string text, HandshakeRejection rejection = HandshakeRejection.None) =>
        Options.OnEvent(new TransportEvent(kind, peer, rejection, text));

    /// <summary>Counts a refusal, and tells of it unless another was told of within the second: a port scanner must not fill the log.</summary>
    internal void OnHandshakeRejected(HandshakeRejection rejection, in HandshakeRequest request, string from)
    {
        Interlocked.Increment(ref _handshakesRejected);
        if (_rejectionLogThrottle.ShouldLog())
            Report(TransportEventKind.Rejected, request.From, HandshakeErrors.ForListener(rejection, request, Options.ClusterId, Options.NodeId, from), rejection);
    }

    private bool TryDecode(in ReceivedFrame frame, out Message? message)
    {
        message = null;
        if (frame.Connection!.IsMalformed || frame.Peer.Removed.IsCancellationRequested)
            return false;
        try
        {
            if (!_decoder.TryDecode(frame.Kind, frame.Body.AsMemory(0, frame.BodyBytes), out message))
            {
                frame.Peer.OnUnknownKind();
                return false;
            }

            if (message!.From != frame.Peer.Id || message.To != Options.NodeId)
                throw new WireFormatException($"a message from {message.From} to {message.To} came on the connection from {frame.Peer.Id} to {Options.NodeId}");
            frame.Peer.OnMessageReceived();
            return true;
        }
        catch (WireFormatException fault)
        {
            frame.Connection.Drop(fault);
            return false;
        }
    }

    /// <summary>The loop is done with what it took.</summary>
    private static void ReleaseFrame(in ReceivedFrame frame)
    {
        if (frame.Connection is null)
            return;
        if (frame.Pooled)
            ArrayPool<byte>.Shared.Return(frame.Body);
        frame.Peer.ReceiveWindow.Release(WireFrame.HeaderBytes + frame.BodyBytes);
    }

    private void OnFault(Exception fault)
    {
        Interlocked.CompareExchange(ref _fault, ExceptionDispatchInfo.Capture(fault), null);
        _onReady();
    }
}
