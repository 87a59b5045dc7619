using System.Net;
using System.Net.Sockets;
using Quorate.Raft;

namespace Quorate.Node.Transport;

/// <summary>Takes connections in on one endpoint, and finds out of each whose it is before a single frame of it is read.</summary>
internal sealed class Listener : IDisposable
{
    private readonly TcpNetwork _network;
    private readonly Socket _socket;

    private Listener(TcpNetwork network, Socket socket)
    {
        _network = network;
        _socket = socket;
    }

    public IPEndPoint EndPoint => (IPEndPoint)_socket.LocalEndPoint!;

    /// <summary>Binds to every address that <paramref name="address"/> stands for.</summary>
    /// <exception cref="TransportStartException">Says which address, why not, and what to do.</exception>
    public static List<Listener> Bind(TcpNetwork network, PeerAddress address)
    {
        var bound = new List<Listener>();
        try
        {
            var ips = IPAddress.TryParse(address.Host, out var literal) ? [literal] : Dns.GetHostAddresses(address.Host);
            if (ips.Length == 0)
                throw new SocketException((int)SocketError.HostNotFound);
            foreach (var ip in ips)
                bound.Add(Bind(network, new IPEndPoint(ip, address.Port)));
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

    /// <summary>Accepts until it is disposed.</summary>
    public async Task RunAsync()
    {
        while (!_network.Ending.IsCancellationRequested)
        {
            Socket socket;
            try
            {
                socket = await _socket.AcceptAsync(_network.Ending).ConfigureAwait(false);
            }
            catch (Exception fault) when (SocketErrors.IsExpected(fault))
            {
                if (!_network.Ending.IsCancellationRequested)
                    await OnAcceptFailedAsync(fault).ConfigureAwait(false);
                continue;
            }

            Admit(socket);
        }
    }

    private static Listener Bind(TcpNetwork network, IPEndPoint endPoint)
    {
        var socket = new Socket(endPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.Bind(endPoint);
            socket.Listen(512);
            return new Listener(network, socket);
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
            $"Cannot listen for peers on {address}: the port is in use by another process. Stop that process, or give this node another peer port.",
        SocketError.AddressNotAvailable =>
            $"Cannot listen for peers on {address}: no network interface of this machine has that address. Use one that it has, or 0.0.0.0 for all.",
        SocketError.AccessDenied =>
            $"Cannot listen for peers on {address}: the system does not allow it. Ports below 1024 need a privilege; take a higher one, or grant it.",
        SocketError.HostNotFound or SocketError.NoData or SocketError.TryAgain =>
            $"Cannot listen for peers on {address}: the name {address.Host} has no address here. Correct it, or write an IP address.",
        _ => $"Cannot listen for peers on {address}: {fault.Message}. Correct the listen address.",
    };

    /// <summary>Out of file descriptors, most likely. The peers that are connected stay so; accepting in a tight loop would take their processor time.</summary>
    private async Task OnAcceptFailedAsync(Exception fault)
    {
        _network.Report(
            TransportEventKind.AcceptFailed, NodeId.None,
            $"No connection can be accepted on {EndPoint} for the moment: {fault.Message}. If the limit of open files is reached, raise it.");
        try
        {
            await Task.Delay(TimeSpan.FromMilliseconds(100), _network.Options.TimeProvider, _network.Ending).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // We end.
        }
    }

    /// <summary>Gives a stranger a thread, if there are not too many of them already.</summary>
    private void Admit(Socket socket)
    {
        if (RemoteOf(socket) is not { } remote)
        {
            socket.Dispose();
        }
        else if (!_network.HandshakeLimiter.TryAcquire(remote.Address))
        {
            _network.OnHandshakeRejected(HandshakeRejection.TooManyHandshakes, default, remote.ToString());
            socket.Dispose();
        }
        else if (!_network.TaskTracker.TryRunBlocking(() => Serve(socket, remote)))
        {
            _network.HandshakeLimiter.Release(remote.Address);
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
            return null; // It went away at once.
        }
    }

    private void Serve(Socket socket, IPEndPoint remote)
    {
        using (socket)
        {
            // The one place where their side of a connection becomes a stream; TLS goes around it here. Nothing on it is done asynchronously: the
            // runtime would watch the socket from then on, and each read go through its threads.
            using var stream = new NetworkStream(socket, ownsSocket: false);
            try
            {
                if (PerformHandshake(socket, stream, remote) is not { } peer)
                {
                    socket.Shutdown(SocketShutdown.Send);
                    return;
                }

                using var connection = new InboundConnection(_network, peer, socket, stream);
                connection.Run();
            }
            catch (WireFormatException)
            {
                _network.OnHandshakeRejected(HandshakeRejection.NotAPeer, default, remote.ToString());
            }
            catch (Exception fault) when (SocketErrors.IsExpected(fault))
            {
                // It went away before it had said who it is, or we did.
            }
        }
    }

    /// <summary>The handshake; null when it was refused, and that has been said.</summary>
    private Peer? PerformHandshake(Socket socket, NetworkStream stream, IPEndPoint remote)
    {
        using var timeout = new LinkedTimeout(_network.Options.TimeProvider, _network.Options.HandshakeTimeout, _network.Ending);
        using var shutdown = SocketErrors.ShutdownOn(socket, timeout.Token);
        try
        {
            SocketErrors.Configure(socket, _network.Options.UnacknowledgedTimeout);
            var request = Handshake.ReadRequest(stream);
            var rejection = Validate(request, out var peer);
            var version = rejection == HandshakeRejection.None ? Math.Min(request.VersionMax, Handshake.VersionMax) : (ushort)0;
            stream.Write(Handshake.Write(new HandshakeResponse(rejection, version, _network.Options.ClusterId, _network.Options.NodeId, Features: 0, _network.Incarnation)));
            if (rejection != HandshakeRejection.None)
                _network.OnHandshakeRejected(rejection, request, remote.ToString());
            return rejection == HandshakeRejection.None ? peer : null;
        }
        catch (EndOfStreamException) when (timeout.Token.IsCancellationRequested && !_network.Ending.IsCancellationRequested)
        {
            _network.OnHandshakeRejected(HandshakeRejection.TimedOut, default, remote.ToString());
            return null;
        }
        finally
        {
            _network.HandshakeLimiter.Release(remote.Address);
        }
    }

    /// <summary>In the order in which a mistake is best understood: another protocol, another cluster, another node, a stranger, one who has lost its memory.</summary>
    private HandshakeRejection Validate(in HandshakeRequest request, out Peer? peer)
    {
        peer = null;
        if (request.VersionMin > Handshake.VersionMax || request.VersionMax < Handshake.VersionMin)
            return HandshakeRejection.WrongVersion;
        if (request.ClusterId != _network.Options.ClusterId)
            return HandshakeRejection.WrongCluster;
        if (request.To != _network.Options.NodeId)
            return HandshakeRejection.WrongReceiver;
        peer = _network.Find(request.From);
        return peer is null ? HandshakeRejection.UnknownPeer
            : !_network.TryRecordIncarnation(request.From, request.Incarnation) ? HandshakeRejection.DataDirectoryChanged
            : HandshakeRejection.None;
    }
}
