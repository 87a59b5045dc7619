using Quorate.Raft;

namespace Quorate.Node.Transport;

/// <summary>Counters of the transport since its start.</summary>
/// <param name="Peers">The counters of each peer, in id order.</param>
/// <param name="HandshakesRejected">Connections that this node rejected, for any <see cref="HandshakeRejection"/>.</param>
/// <param name="DroppedUnknownPeer">Messages for a node that is not a peer.</param>
public sealed record TransportCounters(IReadOnlyList<PeerCounters> Peers, long HandshakesRejected, long DroppedUnknownPeer);

/// <summary>Counters of the transport for one peer.</summary>
/// <param name="Peer">The peer.</param>
/// <param name="Connected">Whether the outbound connection to the peer is established.</param>
/// <param name="Accepted">Whether the inbound connection from the peer is established.</param>
/// <param name="SentMessages">Messages handed to the kernel.</param>
/// <param name="SentBytes">Bytes of these messages, including headers.</param>
/// <param name="ReceivedMessages">Messages that the driver has received.</param>
/// <param name="ReceivedBytes">Bytes of complete received frames, including headers.</param>
/// <param name="DroppedMessages">Messages not sent: no connection, a full queue, or a connection that broke before they were sent.</param>
/// <param name="Malformed">Connections dropped because of invalid data.</param>
/// <param name="UnknownKinds">Skipped messages of kinds that only a later version knows.</param>
/// <param name="Connects">How often the outbound connection was established.</param>
/// <param name="Losses">How often an established connection, in either direction, ended without being closed by this node.</param>
/// <param name="SendQueueBytes">Bytes that wait to be sent at the moment.</param>
/// <param name="ReceiveQueueBytes">Bytes that wait for the driver at the moment.</param>
public readonly record struct PeerCounters(
    NodeId Peer, bool Connected, bool Accepted,
    long SentMessages, long SentBytes, long ReceivedMessages, long ReceivedBytes,
    long DroppedMessages, long Malformed, long UnknownKinds, long Connects, long Losses,
    long SendQueueBytes, long ReceiveQueueBytes);
