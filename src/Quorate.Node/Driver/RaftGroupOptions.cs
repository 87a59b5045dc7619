using System.Collections.Concurrent;
using Quorate.Node.Snapshots;
using Quorate.Node.Storage;
using Quorate.Node.Threading;
using Quorate.Node.Tracing;
using Quorate.Node.Transport;
using Quorate.Node.Versions;
using Quorate.Node.Wal;
using Quorate.Raft;

namespace Quorate.Node.Driver;

/// <summary>
/// What a <see cref="RaftGroup"/> is assembled from: threads, files and sockets in production, their simulated counterparts in the
/// simulator.
/// </summary>
internal sealed record RaftGroupOptions
{
    /// <summary>The options of the core, with the id of this member and the seed of its randomness.</summary>
    public required RaftOptions Raft { get; init; }

    /// <summary>
    /// The members with which the group was created; <see cref="Quorate.Raft.Configuration.None"/> if this node joins an existing one.
    /// </summary>
    public required Configuration Configuration { get; init; }

    /// <summary>Returns the address of a member; null: it has none, and is not contacted.</summary>
    public Func<Member, PeerAddress?> AddressOf { get; init; } = static member =>
        PeerAddress.TryParse(member.Address, out var address) ? address : null;

    /// <summary>The nodes that may contact this one while it knows no configuration.</summary>
    public IReadOnlyDictionary<NodeId, PeerAddress> InitialPeers { get; init; } = new Dictionary<NodeId, PeerAddress>();

    /// <summary>The data directories of authenticated peers that the core does not know yet. Any thread may add to it.</summary>
    public ConcurrentQueue<(NodeId Peer, DirectoryId Directory)> Directories { get; init; } = new();

    /// <summary>The peers that have rejected this node because it was removed. Any thread may add to it.</summary>
    public ConcurrentDictionary<NodeId, bool> RemovedAccordingTo { get; init; } = new();

    /// <summary>
    /// The committed configurations that peers have stated, because a node that this one does not know has tried to contact it. Any thread
    /// may add to it.
    /// </summary>
    public ConcurrentQueue<ConfigurationAt> StatedConfigurations { get; init; } = new();

    /// <summary>Whether the configuration never changes: changes are refused, and no member is bound to its data directory.</summary>
    public bool HasFixedMembers { get; init; }

    /// <summary>Holds the write-ahead log.</summary>
    public required IStorage Storage { get; init; }

    /// <summary>The identity of the data directory.</summary>
    public required IdentityFile Identity { get; init; }

    /// <summary>The version of the cluster, and the features that it permits.</summary>
    public required ClusterFeatures Features { get; init; }

    public required WalOptions Wal { get; init; }

    /// <summary>When the group takes snapshots, and how it receives those of others.</summary>
    public required SnapshotPolicy Snapshots { get; init; }

    /// <summary>How snapshot files are written.</summary>
    public required SnapshotOptions SnapshotFiles { get; init; }

    /// <summary>The id of the cluster, which snapshot files carry.</summary>
    public required ulong ClusterId { get; init; }

    /// <summary>The state hashes of the members are compared after each entry whose index is a multiple of this; 0: never.</summary>
    public required long StateHashInterval { get; init; }

    public required TimeProvider TimeProvider { get; init; }

    /// <summary>
    /// A monotonic clock that counts suspension, for reads whose staleness is bounded; null: the system has none, and such reads are
    /// linearizable.
    /// </summary>
    public TimeProvider? ReadClock { get; init; }

    /// <summary>The fraction by which the clocks of two members may differ in rate.</summary>
    public double LeaseClockDriftMax { get; init; }

    /// <summary>The duration of one tick of the core.</summary>
    public required TimeSpan TickInterval { get; init; }

    /// <summary>The most queued proposals and, separately, the most pending reads.</summary>
    public required int PendingRequestsMax { get; init; }

    /// <summary>The most bytes of commands in the proposal queue.</summary>
    public required long QueuedProposalBytesMax { get; init; }

    /// <summary>Runs the iterations; it must not run one before <see cref="RaftGroup.Open"/> has returned.</summary>
    public required ILoop Loop { get; init; }

    /// <summary>Runs the operations of the write-ahead log.</summary>
    public required IWorker DiskWorker { get; init; }

    /// <summary>Writes the snapshots of this member.</summary>
    public required IWorker SnapshotWorker { get; init; }

    /// <summary>Reads parts of snapshots for other members, and writes those of a snapshot that this member receives.</summary>
    public required IWorker TransferWorker { get; init; }

    /// <summary>Runs the state machine.</summary>
    public required IWorker ApplyWorker { get; init; }

    /// <summary>Creates the dispatcher that completes the tasks of proposers.</summary>
    public required ICompletionDispatcherFactory CompletionDispatchers { get; init; }

    /// <summary>
    /// Starts the network; called once, when the group has recovered. The caller of <see cref="RaftGroup.Open"/> disposes it.
    /// </summary>
    public required Func<ITransport> StartNetwork { get; init; }

    /// <summary>Receives durations; null: none are measured.</summary>
    public IGroupObserver? Observer { get; init; }

    /// <summary>Observes each step of the core.</summary>
    public required StepObserver OnStep { get; init; }

    /// <summary>
    /// Receives the start of the group and each step, before <see cref="OnStep"/>; null: no trace. The caller writes the end and disposes
    /// it.
    /// </summary>
    public TraceWriter? Trace { get; init; }
}
