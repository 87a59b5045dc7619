using System.Net.Sockets;

namespace Quorate.Node.Transport;

/// <summary>
/// Classifies socket errors: which ones a network is expected to cause, and which ones show that the peer has closed the connection.
/// </summary>
internal static class SocketErrors
{
    private const int TcpUserTimeoutOnLinux = 18;

    /// <summary>Whether the exception is an expected network error. Anything else is a bug in this library.</summary>
    public static bool IsExpected(Exception exception) =>
        exception is IOException or SocketException or OperationCanceledException or ObjectDisposedException or WireFormatException;

    /// <summary>Whether the peer's kernel reported that the connection is closed, with FIN or RST; a timeout does not count.</summary>
    public static bool IsClosedByPeer(Exception? exception) => exception switch
    {
        EndOfStreamException => true,
        IOException { InnerException: SocketException inner } => IsClosedByPeer(inner),
        SocketException socket =>
            socket.SocketErrorCode is SocketError.ConnectionReset or SocketError.ConnectionAborted or SocketError.Shutdown,
        _ => false,
    };

    /// <summary>
    /// Shuts the socket down when the token is cancelled: a thread that is blocked on it continues as if the peer had closed the
    /// connection.
    /// </summary>
    public static CancellationTokenRegistration ShutdownOn(Socket socket, CancellationToken cancellation) => cancellation.UnsafeRegister(
        static state =>
        {
            try
            {
                ((Socket)state!).Shutdown(SocketShutdown.Both);
            }
            catch (Exception fault) when (IsExpected(fault))
            {
                // The socket is shut down already.
            }
        },
        socket);

    /// <summary>Sets the socket options of a peer connection, in either direction.</summary>
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
