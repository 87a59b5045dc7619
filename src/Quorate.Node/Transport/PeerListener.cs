using System.Net;
using System.Net.Sockets;
using Quorate.Node.Storage;
using Quorate.Raft;

namespace Quorate.Node.Transport;

/// <summary>Accepts connections on one end point, and identifies the peer of each before it reads any frame.</summary>
internal sealed class PeerListener : IDisposable
{
    private readonly TransportContext _context;
    private readonly PeerSet _peers;
    private readonly HandshakeLimiter _handshakeLimiter;
    private readonly Socket _socket;

    private PeerListener(TransportContext context, PeerSet peers, HandshakeLimiter handshakeLimiter, Socket socket)
    {
        _context = context;
        _peers = peers;
        _handshakeLimiter = handshakeLimiter;
        _socket = socket;
    }

    public IPEndPoint EndPoint => (IPEndPoint)_socket.LocalEndPoint!;

    /// <summary>Binds to every IP address of <paramref name="address"/>.</summary>
    /// <exception cref="TransportStartException">An address cannot be used; the message states which, why, and what to do.</exception>
    public static List<PeerListener> Bind(
        TransportContext context, PeerSet peers, HandshakeLimiter handshakeLimiter, PeerAddress address)
    {
        var bound = new List<PeerListener>();
        try
        {
            var ips = IPAddress.TryParse(address.Host, out var literal) ? [literal] : Dns.GetHostAddresses(address.Host);
            if (ips.Length == 0)
                throw new SocketException((int)SocketError.HostNotFound);
            foreach (var ip in ips)
                bound.Add(new PeerListener(context, peers, handshakeLimiter, Listen(new IPEndPoint(ip, address.Port))));
            return bound;
        }
        catch (Exception fault) when (fault is SocketException or ArgumentException)
        {
            foreach (var listener in bound)
                listener.Dispose();
            throw new TransportStartException(Explain(address, fault), fault);
        }
    }

    public void Dispose() => _socket.Dispose();

    /// <summary>Accepts connections until the network stops.</summary>
    public async Task RunAsync()
    {
        while (!_context.Ending.IsCancellationRequested)
        {
            Socket socket;
            try
            {
                socket = await _socket.AcceptAsync(_context.Ending).ConfigureAwait(false);
            }
            catch (Exception fault) when (SocketErrors.IsExpected(fault))
            {
                if (!_context.Ending.IsCancellationRequested)
                    await OnAcceptFailedAsync(fault).ConfigureAwait(false);
                continue;
            }

            Admit(socket);
        }
    }

    private static Socket Listen(IPEndPoint endPoint)
    {
        var socket = new Socket(endPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.Bind(endPoint);
            socket.Listen(512);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static string Explain(PeerAddress address, Exception fault) => (fault as SocketException)?.SocketErrorCode switch
    {
        SocketError.AddressAlreadyInUse =>
            $"Cannot listen for peers on {address}: the port is in use by another process. "
            + "Stop that process, or give this node another peer port.",
        SocketError.AddressNotAvailable =>
            $"Cannot listen for peers on {address}: no network interface of this host has that address. "
            + "Use an address of this host, or 0.0.0.0 for all.",
        SocketError.AccessDenied =>
            $"Cannot listen for peers on {address}: the system denies access. "
            + "Ports below 1024 need a privilege; use a higher port, or grant the privilege.",
        SocketError.HostNotFound or SocketError.NoData or SocketError.TryAgain =>
            $"Cannot listen for peers on {address}: the name {address.Host} has no address on this host. "
            + "Correct the name, or use an IP address.",
        _ => $"Cannot listen for peers on {address}: {fault.Message}. Correct the listen address.",
    };

    /// <summary>
    /// Waits after a failed accept; most likely the process has run out of file descriptors. Connected peers stay connected; accepting in a
    /// tight loop would take processor time from them.
    /// </summary>
    private async Task OnAcceptFailedAsync(Exception fault)
    {
        _context.Events.Report(
            TransportEventKind.AcceptFailed, NodeId.None,
            $"Cannot accept connections on {EndPoint} at the moment: {fault.Message}. If the limit of open files is reached, raise it.");
        try
        {
            await Task.Delay(TimeSpan.FromMilliseconds(100), _context.Options.TimeProvider, _context.Ending).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // The network stops.
        }
    }

    /// <summary>Starts a thread for a new connection, unless too many handshakes are in progress.</summary>
    private void Admit(Socket socket)
    {
        if (RemoteOf(socket) is not { } remote)
        {
            socket.Dispose();
        }
        else if (!_handshakeLimiter.TryAcquire(remote.Address))
        {
            _context.Events.ReportRejection(HandshakeRejection.TooManyHandshakes, default, remote.ToString());
            socket.Dispose();
        }
        else if (!_context.TaskTracker.TryRunBlocking(() => Serve(socket, remote)))
        {
            _handshakeLimiter.Release(remote.Address);
            socket.Dispose();
        }
    }

    private static IPEndPoint? RemoteOf(Socket socket)
    {
        try
        {
            return (IPEndPoint?)socket.RemoteEndPoint;
        }
        catch (Exception fault) when (SocketErrors.IsExpected(fault))
        {
            return null; // The peer has disconnected already.
        }
    }

    private void Serve(Socket socket, IPEndPoint remote)
    {
        using (socket)
        {
            // The one place where an inbound socket becomes a stream; a TLS stream would wrap it here. No asynchronous operation may be
            // used on it: the runtime would poll the socket from then on, and every read would pass through its threads.
            using var stream = new NetworkStream(socket, ownsSocket: false);
            try
            {
                if (PerformHandshake(socket, stream, remote) is not { } peer)
                {
                    socket.Shutdown(SocketShutdown.Send);
                    return;
                }

                using var connection = new InboundConnection(_context, peer, socket, stream);
                connection.Run();
            }
            catch (WireFormatException)
            {
                _context.Events.ReportRejection(HandshakeRejection.NotAPeer, default, remote.ToString());
            }
            catch (Exception fault) when (SocketErrors.IsExpected(fault))
            {
                // The peer disconnected before its handshake was complete, or this node stops.
            }
        }
    }

    /// <summary>Performs the handshake; returns null if the connection was rejected, in which case the rejection has been sent.</summary>
    private Peer? PerformHandshake(Socket socket, NetworkStream stream, IPEndPoint remote)
    {
        using var timeout = new LinkedTimeout(_context.Options.TimeProvider, _context.Options.HandshakeTimeout, _context.Ending);
        using var shutdown = SocketErrors.ShutdownOn(socket, timeout.Token);
        try
        {
            SocketErrors.Configure(socket, _context.Options.UnacknowledgedTimeout);
            var request = Handshake.ReadRequest(stream);
            var rejection = Validate(request, out var peer);
            var version = rejection == HandshakeRejection.None ? Math.Min(request.VersionMax, Handshake.VersionMax) : (ushort)0;
            stream.Write(Handshake.Write(new HandshakeResponse(
                rejection, version, _context.Options.ClusterId, _context.Options.NodeId, Features: 0, _context.Options.DirectoryId.Value)));
            if (rejection != HandshakeRejection.None)
                _context.Events.ReportRejection(rejection, request, remote.ToString());
            return rejection == HandshakeRejection.None ? peer : null;
        }
        catch (EndOfStreamException) when (timeout.Token.IsCancellationRequested && !_context.Ending.IsCancellationRequested)
        {
            _context.Events.ReportRejection(HandshakeRejection.TimedOut, default, remote.ToString());
            return null;
        }
        finally
        {
            _handshakeLimiter.Release(remote.Address);
        }
    }

    /// <summary>
    /// Validates a request, the most fundamental mismatch first: protocol version, cluster, receiver, unknown peer, changed data directory.
    /// </summary>
    private HandshakeRejection Validate(in HandshakeRequest request, out Peer? peer)
    {
        peer = null;
        if (request.VersionMin > Handshake.VersionMax || request.VersionMax < Handshake.VersionMin)
            return HandshakeRejection.WrongVersion;
        if (request.ClusterId != _context.Options.ClusterId)
            return HandshakeRejection.WrongCluster;
        if (request.To != _context.Options.NodeId)
            return HandshakeRejection.WrongReceiver;
        peer = _peers.Find(request.From);
        return peer is null ? HandshakeRejection.UnknownPeer
            : !_context.Options.TryRecordDirectory(request.From, new DirectoryId(request.DirectoryId))
                ? HandshakeRejection.DataDirectoryChanged
            : HandshakeRejection.None;
    }
}
