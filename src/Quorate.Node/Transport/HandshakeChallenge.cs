namespace Quorate.Node.Transport;

/// <summary>A challenge that a listener has sent: what it needs to verify the confirmation and to continue.</summary>
/// <param name="Peer">The peer that the dialer claims to be.</param>
/// <param name="Request">The request of the dialer, which it has proved to know the key for, or replayed.</param>
/// <param name="RequestBytes">The bytes of the request.</param>
/// <param name="Bytes">The bytes of the challenge.</param>
/// <param name="Key">The key with which the dialer wrote its request.</param>
internal sealed record HandshakeChallenge(Peer Peer, HandshakeRequest Request, byte[] RequestBytes, byte[] Bytes, PeerKey Key);
