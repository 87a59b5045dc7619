using Quorate.Node.Versions;
using Quorate.Raft;

namespace Quorate.Node.Transport;

/// <summary>What a transport needs to know to start: the identity of the node, its peers, its limits, and whom to notify.</summary>
public sealed record TransportStartContext
{
    /// <summary>The id of this node.</summary>
    public required NodeId NodeId { get; init; }

    /// <summary>The id of the cluster of this node. A node of another cluster is not a peer, even at a configured address.</summary>
    public required ulong ClusterId { get; init; }

    /// <summary>The Raft group whose messages are sent and received.</summary>
    public GroupId Group { get; init; } = GroupId.First;

    /// <summary>The other nodes, and the addresses at which this node reaches them.</summary>
    public required IReadOnlyDictionary<NodeId, PeerAddress> Peers { get; init; }

    /// <summary>The end points to listen on. Port 0: the system chooses a port.</summary>
    public required IReadOnlyList<PeerAddress> ListenEndPoints { get; init; }

    /// <summary>The name of a node in messages for the operator; without one, its id.</summary>
    /// <remarks>Default: no names.</remarks>
    public IReadOnlyDictionary<NodeId, string> Names { get; init; } = new Dictionary<NodeId, string>();

    /// <summary>The largest encoded message, bytes. All members use the same value.</summary>
    /// <remarks>
    /// Default 16 MiB. It holds every message that the driver sends. A transport rejects a larger one before it allocates memory for it.
    /// </remarks>
    public int MaxFrameBytes { get; init; } = 16 << 20;

    /// <summary>The clock for timeouts.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    /// <summary>
    /// To be called when an event can be received and the driver may be sleeping. The driver may run on the calling thread, and then calls
    /// <see cref="ITransport.Send"/>, <see cref="ITransport.Flush"/> and <see cref="ITransport.TryReceive"/> during the call; the caller
    /// must not hold a lock that these take. It does not throw.
    /// </summary>
    public required Action OnReady { get; init; }

    /// <summary>To be called for every event that is relevant to an operator, from any thread. It does not block.</summary>
    public Action<TransportEvent> OnEvent { get; init; } = static _ => { };

    /// <summary>The id of this node's data directory. The peers must receive it before any message.</summary>
    /// <remarks>Default: none. The peers then do not verify it.</remarks>
    public DirectoryId DirectoryId { get; init; }

    /// <summary>The highest version of the cluster that this member supports. The peers must receive it before any message.</summary>
    /// <remarks>Default: that of this build. See <see cref="PeerCounters.Version"/>.</remarks>
    public ClusterVersion Version { get; init; } = Versions.ClusterVersion.Current;

    /// <summary>Returns the present version of the cluster, as far as this member knows.</summary>
    /// <remarks>
    /// Default: the oldest. A transport must not exchange messages with a member that does not support this version. Threading: any thread.
    /// </remarks>
    public Func<ClusterVersion> ClusterVersion { get; init; } = static () => Versions.ClusterVersion.Oldest;

    /// <summary>Whether a node was a member and was removed, so that it can be notified when it connects.</summary>
    /// <remarks>Default: never. Threading: any thread.</remarks>
    public Func<NodeId, bool> WasRemoved { get; init; } = static _ => false;

    /// <summary>
    /// Returns the committed configuration, each member with an address, for a node that wants to join; null while there is none.
    /// </summary>
    /// <remarks>Default null: a transport need not answer such nodes (<see cref="ClusterMembers"/>). Threading: any thread.</remarks>
    public Func<ConfigurationAt?>? CommittedConfiguration { get; init; }

    /// <summary>The secret that all members share; null: none.</summary>
    /// <remarks>
    /// Default null. With a secret, a transport must neither deliver a message of a node that has not proved to know it, nor send one to
    /// such a node; a transport that protects its messages by other means may ignore it.
    /// </remarks>
    public PeerSecret? Secret { get; init; }

    /// <summary>
    /// Records the id of a peer's data directory; returns false if the peer is known with another directory: it must then be rejected. To
    /// be called before a message of the peer is delivered or a message is sent to it.
    /// </summary>
    /// <remarks>
    /// It may write to the disk. It throws <see cref="IOException"/> when that fails: no message may be exchanged with the peer then
    /// either.
    /// </remarks>
    public Func<NodeId, DirectoryId, bool> TryRecordDirectory { get; init; } = static (_, _) => true;
}
