namespace Quorate.Node.Transport;

/// <summary>Counters of the transport since its start, at one moment.</summary>
public sealed record TransportCounters
{
    /// <summary>The counters of each peer, in id order.</summary>
    public IReadOnlyList<PeerCounters> Peers { get; init; } = [];

    /// <summary>Connections that this node rejected, for any <see cref="HandshakeRejection"/>.</summary>
    public long HandshakesRejected { get; init; }

    /// <summary>Messages for a node that is not a peer.</summary>
    public long DroppedUnknownPeer { get; init; }
}
