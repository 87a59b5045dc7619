using Quorate.Raft;

namespace Quorate.Node.Transport;

/// <summary>A connection event that is relevant to an operator.</summary>
public sealed record TransportEvent
{
    /// <summary>The kind of the event.</summary>
    public required TransportEventKind Kind { get; init; }

    /// <summary>The peer, or <see cref="NodeId.None"/> if it did not identify itself or its identity cannot be trusted.</summary>
    public NodeId Peer { get; init; }

    /// <summary>For the two kinds of rejection, the reason; else <see cref="HandshakeRejection.None"/>.</summary>
    public HandshakeRejection Rejection { get; init; }

    /// <summary>What happened, why, and what to do, in one or two sentences.</summary>
    public required string Text { get; init; }
}

/// <summary>The kinds of <see cref="TransportEvent"/>.</summary>
public enum TransportEventKind : byte
{
    /// <summary>The outbound connection to a peer was established.</summary>
    Connected = 1,

    /// <summary>An inbound connection from a peer was accepted.</summary>
    Accepted = 2,

    /// <summary>An established connection ended without being closed by this node.</summary>
    Lost = 3,

    /// <summary>A peer cannot be reached; reported once, until it is reached or the reason changes.</summary>
    Unreachable = 4,

    /// <summary>A peer rejected this node; reported once, until it accepts this node or the reason changes.</summary>
    RejectedByPeer = 5,

    /// <summary>This node rejected a connection. At most one rejection a second is reported; all are counted.</summary>
    Rejected = 6,

    /// <summary>A peer sent bytes that are not a valid message; its connection was dropped.</summary>
    Malformed = 7,

    /// <summary>No connection can be accepted at the moment; existing connections are not affected.</summary>
    AcceptFailed = 8,

    /// <summary>A peer sent a message for a Raft group that this node does not run; reported once for each connection.</summary>
    UnknownGroup = 9,
}

/// <summary>The reason why a handshake was rejected. The numbers are part of the wire format.</summary>
public enum HandshakeRejection : ushort
{
    /// <summary>The handshake was accepted.</summary>
    None = 0,

    /// <summary>The two nodes belong to different clusters.</summary>
    WrongCluster = 1,

    /// <summary>The connection was meant for another node than the one that listens there.</summary>
    WrongReceiver = 2,

    /// <summary>The receiver does not know the sender as a member.</summary>
    UnknownPeer = 3,

    /// <summary>The two nodes have no protocol version in common.</summary>
    WrongVersion = 4,

    /// <summary>
    /// The received bytes are not the handshake of a Quorate node. Never sent, because the other side would not understand it.
    /// </summary>
    NotAPeer = 5,

    /// <summary>The handshake was not complete in time. Never sent.</summary>
    TimedOut = 6,

    /// <summary>Too many handshakes are in progress already. Never sent.</summary>
    TooManyHandshakes = 7,

    /// <summary>
    /// The node has another data directory than the one that is known: it has forgotten its votes and the entries it had acknowledged.
    /// </summary>
    DataDirectoryChanged = 8,

    /// <summary>One of the two nodes has a <see cref="PeerSecret"/>, and the other has none.</summary>
    SecretMissing = 9,

    /// <summary>The node has not proved to know the <see cref="PeerSecret"/> of the other.</summary>
    WrongSecret = 10,

    /// <summary>The sender was a member, and was removed from the cluster.</summary>
    MemberRemoved = 11,
}
