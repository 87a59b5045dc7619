using System.Net;
using System.Net.Sockets;

namespace Quorate.Node.Transport;

/// <summary>A socket that listens for peers on one end point.</summary>
internal sealed class PeerListener : IDisposable
{
    /// <summary>Connections that the kernel completes while the handshake thread is busy; beyond it a dialer waits a second.</summary>
    private const int Backlog = 1024;

    private PeerListener(Socket socket) => Socket = socket;

    public Socket Socket { get; }

    public IPEndPoint EndPoint => (IPEndPoint)Socket.LocalEndPoint!;

    /// <summary>Binds to every IP address of <paramref name="address"/>.</summary>
    /// <exception cref="TransportStartException">An address cannot be used; the message states which, why, and what to do.</exception>
    public static List<PeerListener> Bind(PeerAddress address)
    {
        var bound = new List<PeerListener>();
        try
        {
            var ips = IPAddress.TryParse(address.Host, out var literal) ? [literal] : Dns.GetHostAddresses(address.Host);
            if (ips.Length == 0)
                throw new SocketException((int)SocketError.HostNotFound);
            foreach (var ip in ips)
                bound.Add(new PeerListener(Listen(new IPEndPoint(ip, address.Port))));
            return bound;
        }
        catch (Exception fault) when (fault is SocketException or ArgumentException)
        {
            foreach (var listener in bound)
                listener.Dispose();
            throw new TransportStartException(Explain(address, fault), fault);
        }
    }

    public void Dispose() => Socket.Dispose();

    private static Socket Listen(IPEndPoint endPoint)
    {
        var socket = new Socket(endPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.Bind(endPoint);
            socket.Listen(Backlog);
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
}
