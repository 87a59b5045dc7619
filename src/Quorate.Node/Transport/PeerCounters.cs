using Quorate.Node.Versions;
using Quorate.Raft;

namespace Quorate.Node.Transport;

/// <summary>Counters of the transport for one peer since it was added, at one moment.</summary>
public sealed record PeerCounters
{
    /// <summary>The peer.</summary>
    public required NodeId Peer { get; init; }

    /// <summary>Whether this node can send to the peer: the outbound connection is established.</summary>
    public bool Connected { get; init; }

    /// <summary>Whether the peer can send to this node: the inbound connection is established.</summary>
    public bool Accepted { get; init; }

    /// <summary>
    /// The highest version of the cluster that the peer supports, as it stated in its last handshake; null: there was none. It counts while
    /// the peer is <see cref="Connected"/>: a peer that connects again may be another build.
    /// </summary>
    /// <remarks>A transport that does not report it keeps the cluster at the version that it has.</remarks>
    public ClusterVersion? Version { get; init; }

    /// <summary>Messages handed to the operating system.</summary>
    public long SentMessages { get; init; }

    /// <summary>Bytes of these messages, including headers.</summary>
    public long SentBytes { get; init; }

    /// <summary>Messages that the driver has received.</summary>
    public long ReceivedMessages { get; init; }

    /// <summary>Bytes of complete received frames, including headers.</summary>
    public long ReceivedBytes { get; init; }

    /// <summary>Messages not sent: no connection, a full queue, or a connection that broke before they were sent.</summary>
    public long DroppedMessages { get; init; }

    /// <summary>Connections dropped because of invalid data.</summary>
    public long Malformed { get; init; }

    /// <summary>Skipped messages of kinds that only a later version knows.</summary>
    public long UnknownKinds { get; init; }

    /// <summary>Skipped messages for a Raft group that this node does not run.</summary>
    public long UnknownGroups { get; init; }

    /// <summary>How often the outbound connection was established.</summary>
    public long Connects { get; init; }

    /// <summary>How often an established connection, in either direction, ended without being closed by this node.</summary>
    public long Losses { get; init; }

    /// <summary>The time since bytes of the peer last arrived: a handshake or frames. Null: none has since the peer was added.</summary>
    /// <remarks>A leader and a follower exchange messages in every heartbeat interval; two followers may be silent for long.</remarks>
    public TimeSpan? SinceLastContact { get; init; }

    /// <summary>Bytes that wait to be sent at the moment.</summary>
    public long SendQueueBytes { get; init; }

    /// <summary>Bytes that wait for the driver at the moment.</summary>
    public long ReceiveQueueBytes { get; init; }
}
