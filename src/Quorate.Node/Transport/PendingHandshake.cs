using System.Net;
using System.Net.Sockets;

namespace Quorate.Node.Transport;

/// <summary>An accepted connection whose handshake request, or confirmation, has not arrived in full.</summary>
/// <param name="socket">The socket. It stays in blocking mode: the thread of an established connection blocks in its reads.</param>
/// <param name="remote">The address of the dialer.</param>
/// <param name="isFromPeerAddress">Whether the address is one of a peer.</param>
/// <param name="accepted">The timestamp of its acceptance.</param>
internal sealed class PendingHandshake(Socket socket, IPEndPoint remote, bool isFromPeerAddress, long accepted)
{
    private byte[] _bytes = new byte[Handshake.PrefixBytes];
    private int _received;
    private bool _isPrefix = true;

    public Socket Socket => socket;

    public IPEndPoint Remote => remote;

    public bool IsFromPeerAddress => isFromPeerAddress;

    public long Accepted => accepted;

    /// <summary>The challenge that was sent, if the cluster has a secret; then the dialer's confirmation is expected.</summary>
    public HandshakeChallenge? Challenge { get; private set; }

    /// <summary>Expects a confirmation from now on.</summary>
    public void ExpectConfirmation(HandshakeChallenge challenge)
    {
        Challenge = challenge;
        (_bytes, _received, _isPrefix) = (new byte[PeerKey.ProofBytes], 0, false);
    }

    /// <summary>
    /// Reads what has arrived, never more than the present message, and never blocks. Returns the message once it is complete: the request,
    /// then the confirmation.
    /// </summary>
    /// <param name="isReadable">Whether the system reports bytes or an end of the connection.</param>
    /// <exception cref="WireFormatException">The bytes are not a handshake request.</exception>
    /// <exception cref="EndOfStreamException">The dialer closed the connection.</exception>
    public byte[]? TryRead(bool isReadable)
    {
        for (var available = socket.Available; available > 0 || isReadable; available = socket.Available, isReadable = false)
        {
            if (available == 0)
                throw new EndOfStreamException("the dialer closed the connection before its request was complete");
            _received += socket.Receive(_bytes.AsSpan(_received, Math.Min(available, _bytes.Length - _received)), SocketFlags.None);
            if (_received < _bytes.Length)
                continue;
            if (!_isPrefix)
                return _bytes;
            (_bytes, _isPrefix) = (Handshake.ParseRequestPrefix(_bytes), false);
        }

        return null;
    }
}
