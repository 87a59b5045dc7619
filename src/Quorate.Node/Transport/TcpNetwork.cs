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
    private readonly Action _wake;
    private readonly Lock _gate = new();
    private readonly CancellationTokenSource _ending = new();
    private readonly List<Listener> _listeners = [];
    private readonly List<Peer> _unflushed = [];
    private readonly WireDecoder _decoder = new();
    private readonly RefusalPace _refusalPace;
    private volatile Dictionary<NodeId, Peer> _peers = [];
    private Arrival _current;
    private ExceptionDispatchInfo? _fault;
    private long _droppedUnknownPeer;
    private long _refused;
    private bool _disposed;

    private TcpNetwork(TcpNetworkOptions options, Action wake)
    {
        Options = options;
        _wake = wake;
        Inbox = new Inbox();
        Background = new Background(OnFault);
        Admission = new HandshakeAdmission(options.HandshakesMax, options.HandshakesPerAddressMax);
        Ending = _ending.Token;
        _refusalPace = new RefusalPace(options.TimeProvider);
    }

    /// <summary>Where we listen; with port 0 in the options, the ports that the system chose.</summary>
    public IReadOnlyList<IPEndPoint> ListenEndPoints { get; private set; } = [];

    /// <summary>What has been counted so far.</summary>
    public TransportCounters Counters => new(
        [.. _peers.Values.Select(peer => peer.Counters).OrderBy(counters => counters.Peer)],
        Interlocked.Read(ref _refused), Interlocked.Read(ref _droppedUnknownPeer));

    internal TcpNetworkOptions Options { get; }

    internal Inbox Inbox { get; }

    internal Background Background { get; }

    internal HandshakeAdmission Admission { get; }

    internal CancellationToken Ending { get; }

    /// <summary>Of our folder; 0 when we have none.</summary>
    internal ulong Incarnation => Options.Incarnations?.Own ?? 0;

    /// <summary>Whether a peer comes with the folder it had when we met it. What we have not met is remembered.</summary>
    /// <remarks>A flush that fails ends the node: the fault comes out of the next <see cref="TryReceive"/>. A disk that is full lets nobody new in.</remarks>
    internal bool Meets(NodeId peer, ulong incarnation)
    {
        try
        {
            return Options.Incarnations?.Meet(peer, incarnation) ?? true;
        }
        catch (DiskFlushException fault)
        {
            OnFault(fault);
            throw;
        }
    }

    /// <summary>Listens, and begins to dial every peer.</summary>
    /// <param name="options">All there is to say.</param>
    /// <param name="wake">
    /// Called when something has arrived for a loop that may be asleep, on the thread that has read it: the loop may take its turn right there. While this
    /// runs, nothing more is read from that peer. It must not throw.
    /// </param>
    /// <exception cref="ArgumentException">An option is out of its range.</exception>
    /// <exception cref="TransportStartException">A listen address cannot be used.</exception>
    public static TcpNetwork Start(TcpNetworkOptions options, Action wake)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(wake);
        options.Validate();

        var network = new TcpNetwork(options, wake);
        try
        {
            foreach (var address in options.Listen)
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
            network.Background.TryRun(listener.RunAsync);
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
                if (id == Options.Self)
                    continue;
                if (before.TryGetValue(id, out var peer))
                {
                    peer.Dialer.Address = address;
                }
                else
                {
                    peer = new Peer(this, id, address);
                    Background.TryRun(peer.Dialer.RunAsync);
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
        if (message.To == Options.Self || message.From != Options.Self)
            throw new InvalidOperationException($"{message} is not from this node {Options.Self} to another: the caller has mixed something up");

        if (!_peers.TryGetValue(message.To, out var peer))
        {
            Interlocked.Increment(ref _droppedUnknownPeer);
            return;
        }

        var bytes = WireEncoder.SizeOf(message);
        if (bytes > Options.FrameBytesMax)
            throw new InvalidOperationException($"{message} takes {bytes} bytes; no peer accepts more than FrameBytesMax = {Options.FrameBytesMax}");
        if (peer.Queue.TryAdd(message, (int)bytes) && !_unflushed.Contains(peer))
            _unflushed.Add(peer);
    }

    /// <inheritdoc/>
    public void Flush()
    {
        foreach (var peer in _unflushed)
            peer.Queue.Flush();
        _unflushed.Clear();
    }

    /// <inheritdoc/>
    public bool TryReceive(out NetworkEvent received)
    {
        Volatile.Read(ref _fault)?.Throw();
        Finish(_current);
        _current = default;
        while (Inbox.TryTake(out var arrival))
        {
            if (arrival.Connection is null)
            {
                received = new NetworkEvent(NetworkEventKind.Disconnected, arrival.Peer.Id, null);
                return true;
            }

            if (TryDecode(arrival, out var message))
            {
                _current = arrival;
                received = new NetworkEvent(NetworkEventKind.Message, arrival.Peer.Id, message);
                return true;
            }

            Finish(arrival);
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
        await Background.DrainAsync().ConfigureAwait(false);
        foreach (var peer in peers.Values)
            peer.Dispose();
        _ending.Dispose();
    }

    /// <summary>There is something in the inbox.</summary>
    internal void TellLoop() => _wake();

    internal Peer? Find(NodeId id) => _peers.GetValueOrDefault(id);

    internal void Raise(TransportEventKind kind, NodeId peer, string text, HandshakeRefusal refusal = HandshakeRefusal.None) =>
        Options.OnEvent(new TransportEvent(kind, peer, refusal, text));

    /// <summary>Counts a refusal, and tells of it unless another was told of within the second: a port scanner must not fill the log.</summary>
    internal void OnRefused(HandshakeRefusal refusal, in Hello hello, string from)
    {
        Interlocked.Increment(ref _refused);
        if (_refusalPace.MayTell())
            Raise(TransportEventKind.Refused, hello.From, RefusalText.ForListener(refusal, hello, Options.ClusterId, Options.Self, from), refusal);
    }

    private bool TryDecode(in Arrival arrival, out Message? message)
    {
        message = null;
        if (arrival.Connection!.IsMalformed || arrival.Peer.Removed.IsCancellationRequested)
            return false;
        try
        {
            if (!_decoder.TryDecode(arrival.Kind, arrival.Body.AsMemory(0, arrival.BodyBytes), out message))
            {
                arrival.Peer.OnUnknownKind();
                return false;
            }

            if (message!.From != arrival.Peer.Id || message.To != Options.Self)
                throw new WireFormatException($"a message from {message.From} to {message.To} came on the connection from {arrival.Peer.Id} to {Options.Self}");
            arrival.Peer.OnTaken();
            return true;
        }
        catch (WireFormatException fault)
        {
            arrival.Connection.Drop(fault);
            return false;
        }
    }

    /// <summary>The loop is done with what it took.</summary>
    private static void Finish(in Arrival arrival)
    {
        if (arrival.Connection is null)
            return;
        if (arrival.Pooled)
            ArrayPool<byte>.Shared.Return(arrival.Body);
        arrival.Peer.Allowance.Give(WireFrame.HeaderBytes + arrival.BodyBytes);
    }

    private void OnFault(Exception fault)
    {
        Interlocked.CompareExchange(ref _fault, ExceptionDispatchInfo.Capture(fault), null);
        _wake();
    }
}
