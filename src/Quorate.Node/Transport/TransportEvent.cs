using Quorate.Raft;

namespace Quorate.Node.Transport;

/// <summary>Something about a connection that an operator may want to know.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Peer">The peer, or nobody when it did not say, or could not be believed.</param>
/// <param name="Rejection">For the two kinds of refusal, why; else <see cref="HandshakeRejection.None"/>.</param>
/// <param name="Text">A sentence or two: what happened, why, and what to do about it.</param>
public sealed record TransportEvent(TransportEventKind Kind, NodeId Peer, HandshakeRejection Rejection, string Text);

/// <summary>The kinds of <see cref="TransportEvent"/>.</summary>
public enum TransportEventKind : byte
{
    /// <summary>Our connection to a peer stands.</summary>
    Connected = 1,

    /// <summary>A peer's connection to us stands.</summary>
    Accepted = 2,

    /// <summary>A connection that stood has ended, other than by our own wish.</summary>
    Lost = 3,

    /// <summary>A peer cannot be reached; told once, until it is reached or the reason changes.</summary>
    Unreachable = 4,

    /// <summary>A peer refused us; told once, until it lets us in or the reason changes.</summary>
    RejectedByPeer = 5,

    /// <summary>We refused a connection; at most one a second is told, all are counted.</summary>
    Rejected = 6,

    /// <summary>A peer sent bytes that are no message; its connection was dropped.</summary>
    Malformed = 7,

    /// <summary>No connection can be accepted for the moment; what is there already goes on.</summary>
    AcceptFailed = 8,
}

/// <summary>Why a handshake was refused. The numbers are part of the wire format.</summary>
public enum HandshakeRejection : ushort
{
    /// <summary>It was not.</summary>
    None = 0,

    /// <summary>The two nodes belong to different clusters.</summary>
    WrongCluster = 1,

    /// <summary>The connection was meant for another node than the one that listens there.</summary>
    WrongReceiver = 2,

    /// <summary>The receiver does not know the sender as a member.</summary>
    UnknownPeer = 3,

    /// <summary>There is no version of the protocol that both speak.</summary>
    WrongVersion = 4,

    /// <summary>What came was not the handshake of a Quorate node. Never sent: there is nobody to understand it.</summary>
    NotAPeer = 5,

    /// <summary>The handshake was not complete in time. Never sent.</summary>
    TimedOut = 6,

    /// <summary>Too many connections are in their handshake already. Never sent.</summary>
    TooManyHandshakes = 7,

    /// <summary>The node comes with another data folder than when it was met: it has forgotten its votes and what it had acknowledged.</summary>
    DataDirectoryChanged = 8,
}
