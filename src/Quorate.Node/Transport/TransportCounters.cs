using Quorate.Raft;

namespace Quorate.Node.Transport;

/// <summary>What the transport has counted since it started.</summary>
/// <param name="Peers">Peer by peer, in id order.</param>
/// <param name="HandshakesRejected">Connections we turned away, for whatever <see cref="HandshakeRejection"/>.</param>
/// <param name="DroppedUnknownPeer">Messages for a node that is not among the peers.</param>
public sealed record TransportCounters(IReadOnlyList<PeerCounters> Peers, long HandshakesRejected, long DroppedUnknownPeer);

/// <summary>What the transport has counted with one peer.</summary>
/// <param name="Peer">The peer.</param>
/// <param name="Connected">Whether our connection to it stands.</param>
/// <param name="Accepted">Whether its connection to us stands.</param>
/// <param name="SentMessages">Messages handed to the kernel.</param>
/// <param name="SentBytes">Their bytes, headers included.</param>
/// <param name="ReceivedMessages">Messages taken by the loop.</param>
/// <param name="ReceivedBytes">Bytes of whole frames that arrived, headers included.</param>
/// <param name="DroppedMessages">Messages not sent: no connection, a full queue, or a connection that broke under them.</param>
/// <param name="Malformed">Connections dropped because of what came on them.</param>
/// <param name="UnknownKinds">Messages of kinds that only a later version knows; they were passed over.</param>
/// <param name="Connects">How often our connection to it was established.</param>
/// <param name="Losses">How often an established connection, either way, ended other than by our own wish.</param>
/// <param name="SendQueueBytes">Bytes that wait to be sent, now.</param>
/// <param name="ReceiveQueueBytes">Bytes that wait to be taken by the loop, now.</param>
public readonly record struct PeerCounters(
    NodeId Peer, bool Connected, bool Accepted,
    long SentMessages, long SentBytes, long ReceivedMessages, long ReceivedBytes,
    long DroppedMessages, long Malformed, long UnknownKinds, long Connects, long Losses,
    long SendQueueBytes, long ReceiveQueueBytes);
