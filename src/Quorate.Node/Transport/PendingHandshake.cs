using System.Net;
using System.Net.Sockets;

namespace Quorate.Node.Transport;

/// <summary>An accepted connection whose handshake request has not arrived in full.</summary>
/// <param name="socket">The socket. It stays in blocking mode: the thread of an established connection blocks in its reads.</param>
/// <param name="remote">The address of the dialer.</param>
/// <param name="isFromPeerAddress">Whether the address is one of a peer.</param>
/// <param name="accepted">The timestamp of its acceptance.</param>
internal sealed class PendingHandshake(Socket socket, IPEndPoint remote, bool isFromPeerAddress, long accepted)
{
    private byte[] _bytes = new byte[Handshake.PrefixBytes];
    private int _received;

    public Socket Socket => socket;

    public IPEndPoint Remote => remote;

    public bool IsFromPeerAddress => isFromPeerAddress;

    public long Accepted => accepted;

    /// <summary>Reads what has arrived, never more than the request, and never blocks. Returns the request once it is complete.</summary>
    /// <param name="isReadable">Whether the system reports bytes or an end of the connection.</param>
    /// <exception cref="WireFormatException">The bytes are not a handshake request.</exception>
    /// <exception cref="EndOfStreamException">The dialer closed the connection.</exception>
    public HandshakeRequest? TryRead(bool isReadable)
    {
        for (var available = socket.Available; available > 0 || isReadable; available = socket.Available, isReadable = false)
        {
            if (available == 0)
                throw new EndOfStreamException("the dialer closed the connection before its request was complete");
            _received += socket.Receive(_bytes.AsSpan(_received, Math.Min(available, _bytes.Length - _received)), SocketFlags.None);
            if (_received < _bytes.Length)
                continue;
            if (_received > Handshake.PrefixBytes)
                return Handshake.ParseRequest(_bytes);
            _bytes = Handshake.ParseRequestPrefix(_bytes);
        }

        return null;
    }
}
