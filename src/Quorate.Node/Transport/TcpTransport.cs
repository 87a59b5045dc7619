using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Runtime.ExceptionServices;
using Quorate.Raft;

namespace Quorate.Node.Transport;

/// <summary>The default transport: TCP, with one connection in each direction between every two nodes.</summary>
/// <remarks>
/// <code>
///   driver ── Send ──► SendQueue ── Flush ──► socket; the writer of OutboundConnection sends what the socket does not accept at once
///   driver ◄─ TryReceive ── ReceiveQueue ◄── InboundConnection ◄── WireFrameReader ◄── socket, one thread per peer
/// </code>
/// Threading: <see cref="Send"/>, <see cref="Flush"/> and <see cref="TryReceive"/> are for the driver, one caller at a time, and never
/// block; all other members may be called from any thread.
/// Errors: network errors never throw here. An unexpected exception in a background task is thrown by the next <see cref="TryReceive"/>.
/// </remarks>
internal sealed class TcpTransport : ITransport
{
    private readonly CancellationTokenSource _ending = new();
    private readonly TransportContext _context;
    private readonly PeerSet _peers;
    private readonly List<PeerListener> _listeners = [];
    private readonly List<Peer> _unflushed = [];
    private readonly WireDecoder _decoder = new();
    private readonly Action _onReady;
    private ReceivedFrame _current;
    private ExceptionDispatchInfo? _fault;
    private long _droppedUnknownPeer;
    private volatile bool _disposed;

    private TcpTransport(TcpTransportOptions options, Action onReady)
    {
        _onReady = onReady;
        _context = new TransportContext(options, onReady, OnFault, _ending.Token);
        _peers = new PeerSet(_context);
        InboundHandshakes = new InboundHandshakes(_context, _peers, _listeners);
    }

    /// <summary>The end points on which the node listens; for port 0 in the options, with the port that the system chose.</summary>
    public IReadOnlyList<IPEndPoint> ListenEndPoints { get; private set; } = [];

    /// <summary>The current counters.</summary>
    public TransportCounters Counters => new()
    {
        Peers = _peers.Counters,
        HandshakesRejected = _context.Events.HandshakesRejected,
        DroppedUnknownPeer = Interlocked.Read(ref _droppedUnknownPeer),
    };

    internal InboundHandshakes InboundHandshakes { get; }

    /// <summary>Starts the default transport of a node.</summary>
    /// <exception cref="TransportStartException">A listen address cannot be used.</exception>
    public static TcpTransport Start(TransportStartContext context) => Start(
        new TcpTransportOptions
        {
            NodeId = context.NodeId,
            ClusterId = context.ClusterId,
            Group = context.Group,
            ListenEndPoints = context.ListenEndPoints,
            Peers = context.Peers,
            Names = context.Names,
            MaxFrameBytes = context.MaxFrameBytes,
            MaxSendQueueBytes = Math.Max(64 << 20, context.MaxFrameBytes),
            TimeProvider = context.TimeProvider,
            OnEvent = context.OnEvent,
            DirectoryId = context.DirectoryId,
            TryRecordDirectory = context.TryRecordDirectory,
            WasRemoved = context.WasRemoved,
            CommittedConfiguration = context.CommittedConfiguration,
            Secret = context.Secret,
            Version = context.Version,
            ClusterVersion = context.ClusterVersion,
        },
        context.OnReady);

    /// <summary>Starts to listen, and to connect to every peer.</summary>
    /// <param name="options">The options.</param>
    /// <param name="onReady">
    /// Called when an event has arrived and the loop may be sleeping, on the thread that has read it: the loop may run its iteration there.
    /// During the call, nothing more is read from that peer. It must not throw.
    /// </param>
    /// <exception cref="ArgumentException">An option is out of range.</exception>
    /// <exception cref="TransportStartException">A listen address cannot be used.</exception>
    public static TcpTransport Start(TcpTransportOptions options, Action onReady)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(onReady);
        options.Validate();

        var transport = new TcpTransport(options, onReady);
        try
        {
            foreach (var address in options.ListenEndPoints)
                transport._listeners.AddRange(PeerListener.Bind(address));
        }
        catch
        {
            foreach (var listener in transport._listeners)
                listener.Dispose();
            transport._ending.Dispose();
            throw;
        }

        transport.ListenEndPoints = [.. transport._listeners.Select(listener => listener.EndPoint)];
        transport.SetPeers(options.Peers);
        transport._context.TaskTracker.TryRunBlocking(transport.InboundHandshakes.Run);
        return transport;
    }

    /// <inheritdoc/>
    public void SetPeers(IReadOnlyDictionary<NodeId, PeerAddress> peers)
    {
        ArgumentNullException.ThrowIfNull(peers);
        _peers.Replace(peers);
    }

    /// <inheritdoc/>
    public void Send(Message message)
    {
        ArgumentNullException.ThrowIfNull(message);
        if (message.To == _context.Options.NodeId || message.From != _context.Options.NodeId)
        {
            throw new InvalidOperationException(
                $"{message} is not from this node {_context.Options.NodeId} to another node: a bug of the caller.");
        }

        if (_peers.Find(message.To) is not { } peer)
        {
            Interlocked.Increment(ref _droppedUnknownPeer);
            return;
        }

        var bytes = WireEncoder.SizeOf(message);
        if (bytes > _context.Options.MaxFrameBytes)
        {
            throw new InvalidOperationException(
                $"{message} takes {bytes} bytes; no peer accepts more than MaxFrameBytes = {_context.Options.MaxFrameBytes}.");
        }

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
    public bool TryReceive(out ReceivedEvent received)
    {
        Volatile.Read(ref _fault)?.Throw();
        ReleaseFrame(_current);
        _current = default;
        while (!_disposed && _context.ReceiveQueue.TryTake(out var frame))
        {
            if (frame.Connection is null)
            {
                received = ReceivedEvent.OfDisconnect(frame.Peer.Id);
                return true;
            }

            if (TryDecode(frame, out var message))
            {
                _current = frame;
                received = ReceivedEvent.OfMessage(frame.Peer.Id, message);
                return true;
            }

            ReleaseFrame(frame);
        }

        received = default;
        return false;
    }

    /// <summary>
    /// Closes every connection, and completes when no task of this transport is running any more. Queued messages are not sent.
    /// </summary>
    public async ValueTask DisposeAsync()
    {
        if (_peers.Close() is not { } peers)
            return;
        _disposed = true;
        await _ending.CancelAsync().ConfigureAwait(false);
        foreach (var listener in _listeners)
            listener.Dispose();
        await _context.TaskTracker.DrainAsync().ConfigureAwait(false);
        foreach (var peer in peers)
            peer.Dispose();
        _ending.Dispose();
    }

    private bool TryDecode(in ReceivedFrame frame, [NotNullWhen(true)] out Message? message)
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

            if (message.From != frame.Peer.Id || message.To != _context.Options.NodeId)
            {
                throw new WireFormatException(
                    $"a message from {message.From} to {message.To} came on the connection from {frame.Peer.Id} "
                    + $"to {_context.Options.NodeId}");
            }

            frame.Peer.OnMessageReceived();
            return true;
        }
        catch (WireFormatException fault)
        {
            frame.Connection.Drop(fault);
            return false;
        }
    }

    /// <summary>Releases a frame that the driver has processed.</summary>
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
