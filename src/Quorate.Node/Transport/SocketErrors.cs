using System.Net.Sockets;

namespace Quorate.Node.Transport;

/// <summary>Which failures a network is expected to have, and what they say about the other side.</summary>
internal static class SocketErrors
{
    private const int TcpUserTimeoutOnLinux = 18;

    /// <summary>A network does this; anything else is a bug of ours.</summary>
    public static bool IsExpected(Exception exception) =>
        exception is IOException or SocketException or OperationCanceledException or ObjectDisposedException or WireFormatException;

    /// <summary>The other side's kernel told us that nobody is there any more: FIN or RST, not silence.</summary>
    public static bool IsClosedByPeer(Exception? exception) => exception switch
    {
        EndOfStreamException => true,
        IOException { InnerException: SocketException inner } => IsClosedByPeer(inner),
        SocketException socket => socket.SocketErrorCode is SocketError.ConnectionReset or SocketError.ConnectionAborted or SocketError.Shutdown,
        _ => false,
    };

    /// <summary>Whoever waits in the system for this socket is let go once the token is cancelled, as if the other side had closed.</summary>
    public static CancellationTokenRegistration ShutdownOn(Socket socket, CancellationToken cancellation) => cancellation.UnsafeRegister(
        static state =>
        {
            try
            {
                ((Socket)state!).Shutdown(SocketShutdown.Both);
            }
            catch (Exception fault) when (IsExpected(fault))
            {
                // It is cut off already.
            }
        },
        socket);

    /// <summary>What every peer connection is set to, whichever side opened it.</summary>
    public static void Configure(Socket socket, TimeSpan unacknowledgedTimeout)
    {
        socket.NoDelay = true;
        socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime, 5);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveInterval, 2);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveRetryCount, 3);
        if (OperatingSystem.IsLinux())
        {
            var milliseconds = (int)Math.Min(int.MaxValue, Math.Ceiling(unacknowledgedTimeout.TotalMilliseconds));
            socket.SetRawSocketOption((int)ProtocolType.Tcp, TcpUserTimeoutOnLinux, BitConverter.GetBytes(milliseconds));
        }
    }
}
