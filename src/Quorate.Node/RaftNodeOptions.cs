using System.Collections.Immutable;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;
using Quorate.Node.Driver;
using Quorate.Node.Storage;
using Quorate.Node.Threading;
using Quorate.Node.Transport;
using Quorate.Node.Versions;
using Quorate.Node.Wal;
using Quorate.Raft;

namespace Quorate.Node;

/// <summary>Configures a node; read once, when the node starts.</summary>
public sealed record RaftNodeOptions
{
    /// <summary>The id of this member. It never changes: the data directory stores it.</summary>
    public required NodeId NodeId { get; init; }

    /// <summary>Identifies the cluster: members reject connections from nodes of another cluster.</summary>
    public required ulong ClusterId { get; init; }

    /// <summary>
    /// The data directory: it holds the log and the vote. Created if it is missing; it belongs to this member of this cluster only, and a
    /// start by any other member fails.
    /// </summary>
    /// <remarks>
    /// A member that has lost its data directory must be replaced by a new member: with an empty directory it has forgotten its votes, and
    /// its peers reject it. Never start from an old copy of the directory: later votes and acknowledgements would be lost without being
    /// detected.
    /// </remarks>
    public required string DataDirectory { get; init; }

    /// <summary>
    /// Opens the storage of the node, given <see cref="DataDirectory"/>; null: files (<see cref="FileStorage"/>).
    /// </summary>
    /// <remarks>
    /// Called once in each start. The node disposes the storage when it stops, if it is <see cref="IDisposable"/>. <see cref="IStorage"/>
    /// documents what a storage must do, and <c>StorageConformance</c> in Quorate.Verification checks it. Errors: an
    /// <see cref="IOException"/> of the function fails the start.
    /// </remarks>
    public Func<string, IStorage>? StorageFactory { get; init; }

    /// <summary>
    /// Names and values that the identity file of a new data directory stores, so that the program can read them at a later start
    /// (<see cref="DataDirectoryIdentity.Read"/>). Those of an existing data directory do not change.
    /// </summary>
    /// <remarks>Default: none. A name has no space; neither name nor value has a control character.</remarks>
    public IReadOnlyDictionary<string, string> DataDirectoryAttributes { get; init; } = ImmutableDictionary<string, string>.Empty;

    /// <summary>
    /// All members, including this one, with the addresses at which their peers reach them. The addresses may change between starts.
    /// </summary>
    /// <remarks>
    /// For a new data directory they are the members with which the cluster is created, unless <see cref="IsJoining"/> is set. Later they
    /// are only addresses, of those members of which the configuration states none; the members change by
    /// <see cref="RaftNode{TResult}.ChangeConfigurationAsync"/>.
    /// </remarks>
    public required IReadOnlyDictionary<NodeId, PeerAddress> Members { get; init; }

    /// <summary>
    /// Whether a new data directory joins an existing cluster: the node then takes part in no election until it has received the
    /// configuration that contains it. Add it to the cluster (<see cref="MemberChange.AddLearner"/>) before or after it is started.
    /// </summary>
    /// <remarks>Default false. Without effect on an existing data directory.</remarks>
    public bool IsJoining { get; init; }

    /// <summary>The names of members in messages for the operator, so that logs name a member like its configuration does.</summary>
    /// <remarks>Default: no names; a member without one is named by its id, in hexadecimal.</remarks>
    public IReadOnlyDictionary<NodeId, string> MemberNames { get; init; } = new Dictionary<NodeId, string>();

    /// <summary>The end points on which this node listens for its peers; null means its own address in <see cref="Members"/>.</summary>
    /// <remarks>With port 0 the system chooses a port; <see cref="RaftNode{TResult}.ListenEndPoints"/> returns it.</remarks>
    public IReadOnlyList<PeerAddress>? ListenEndPoints { get; init; }

    /// <summary>The interval at which a leader sends heartbeats.</summary>
    /// <remarks>Default 100 ms, at least 10 ms. Too small: idle traffic. Too large: <see cref="ElectionTimeout"/> must grow too.</remarks>
    public TimeSpan HeartbeatInterval { get; init; } = TimeSpan.FromMilliseconds(100);

    /// <summary>
    /// The base election timeout. A follower normally waits a random time from this to twice this without a message from the leader before
    /// it starts an election.
    /// </summary>
    /// <remarks>
    /// Default 1 s, at least 5 × <see cref="HeartbeatInterval"/>. Retries, the first election after a start, and a closed connection to the
    /// leader use shorter times: a leader whose process dies is replaced in a fraction of this time. A leader steps down when it has
    /// received no replies from a quorum for longer than this. Too small: pauses of the garbage collector, the disk or a busy processor
    /// cause elections. Too large: a hung leader is replaced late.
    /// </remarks>
    public TimeSpan ElectionTimeout { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>
    /// The lease that this node requests from the other members while it leads, for reads with <see cref="ReadOptions.AllowLease"/>; zero:
    /// none.
    /// </summary>
    /// <remarks>
    /// Default zero. In whole milliseconds; with 1.1 × <see cref="HeartbeatInterval"/> at most <see cref="ElectionTimeout"/>, so at
    /// most 890 ms with the default intervals. Several times the heartbeat interval is useful. Too small: each late heartbeat ends
    /// the lease, and reads need a round again. Too large: a leader whose process ends is replaced as much later, and a restarted member
    /// votes as much later. Members grant leases whatever their own option is. See docs/protocol/reads.md before you use it.
    /// </remarks>
    public TimeSpan LeaseDuration { get; init; }

    /// <summary>The fraction by which the clocks of two members may differ in rate; lease reads rely on it.</summary>
    /// <remarks>
    /// Default 0.01, that is 1 %; 0 to 0.5. A leader uses its lease for so much shorter than it was granted. The clocks of computers differ
    /// by a ten-thousandth, and time synchronisation adds less than a thousandth. Too small: a lease read may miss a command that a later
    /// leader has acknowledged. Too large: leases are shorter.
    /// </remarks>
    public double LeaseClockDriftMax { get; init; } = 0.01;

    /// <summary>The largest command that clients may propose, bytes.</summary>
    /// <remarks>
    /// Default 8 MiB; 1 to a quarter of <see cref="SegmentBytes"/>. Larger commands are rejected with <see
    /// cref="RejectReason.TooLarge"/>: by the member that is called, and by the leader if that member's limit is higher. It limits new
    /// proposals only: a member stores and applies larger commands of its leader, and those already in its log.
    /// </remarks>
    public int MaxCommandBytes { get; init; } = 8 << 20;

    /// <summary>
    /// Limits two sums of command bytes: those accepted but not yet committed, and those that wait for this node's state machine. Beyond
    /// either, proposals are rejected with <see cref="RejectReason.Busy"/>.
    /// </summary>
    /// <remarks>
    /// Default 64 MiB, at least 1. It bounds the node's memory while a quorum, a disk or the state machine is slow: entries that a lagging
    /// state machine cannot take yet stay on disk. A member whose own state machine lags rejects proposals of its own clients; as leader it
    /// still accepts those that other members forward.
    /// </remarks>
    public long MaxUncommittedBytes { get; init; } = 64 << 20;

    /// <summary>
    /// Limits the proposals that wait for the driver or for a leader and, separately, the reads without a result. Beyond it, requests are
    /// rejected with <see cref="RejectReason.Busy"/>.
    /// </summary>
    /// <remarks>Default 65,536, at least 1. Of the queued proposals, at most half are of callers that have stopped waiting.</remarks>
    public int MaxPendingRequests { get; init; } = 65_536;

    /// <summary>Bytes of committed entries kept in memory for followers that are slightly behind.</summary>
    /// <remarks>
    /// Default 4 MiB, at least 0. Too small: the leader reads these entries from disk. Too large: the garbage collector has more to handle.
    /// </remarks>
    public long MaxCachedBytes { get; init; } = 4 << 20;

    /// <summary>The size of one log segment file, bytes. All members must use the same value.</summary>
    /// <remarks>
    /// Default 64 MiB; 16 KiB to 1 GiB, a multiple of 4096. A member stops when its leader sends a command that is larger than a quarter of
    /// it, so do not lower it below four times the largest command in the log.
    /// </remarks>
    public int SegmentBytes { get; init; } = 64 << 20;

    /// <summary>A snapshot is taken when the log has grown by this many bytes since the last one.</summary>
    /// <remarks>
    /// Default 64 MiB, at least 1. Too small: the state is written often. Too large: a start replays more of the log, and the log takes
    /// more space. A large state is written less often: not before the log has grown by a quarter of the last snapshot. Without
    /// <see cref="IStateMachine{TResult}.CaptureSnapshot"/> no snapshot is taken, and the log grows without bound.
    /// </remarks>
    public long SnapshotLogBytes { get; init; } = 64L << 20;

    /// <summary>A snapshot is taken when this many entries were appended since the last one.</summary>
    /// <remarks>Default 100,000, at least 1. The same considerations as for <see cref="SnapshotLogBytes"/>.</remarks>
    public long SnapshotLogEntries { get; init; } = 100_000;

    /// <summary>
    /// The bytes per second at which this member receives the snapshot of another one, when it lags so far behind that no member has the
    /// entries that it lacks; 0: no limit.
    /// </summary>
    /// <remarks>
    /// Default 0. A limit leaves bandwidth to the messages of the protocol; a member that receives too slowly stays behind.
    /// </remarks>
    public long SnapshotReceiveBytesPerSecond { get; init; }

    /// <summary>
    /// The members compare their <see cref="IStateMachine{TResult}.StateHash"/> after each entry whose index is a multiple of this; 0:
    /// never. All members must use the same value.
    /// </summary>
    /// <remarks>
    /// Default 4096, at least 0. A member with another hash than a majority is quarantined (<see cref="RaftStatus.Quarantine"/>). Too
    /// small: a message to each member every few entries. Too large: a member with a wrong state answers for longer until it is found.
    /// Members with different values compare only at common multiples.
    /// </remarks>
    public int StateHashInterval { get; init; } = 4096;

    /// <summary>
    /// The highest version of the cluster that this member supports. While one member has a lower one than that of its build, the whole
    /// cluster writes and sends only what the lower version knows, and can be started with builds of that version again.
    /// </summary>
    /// <remarks>
    /// Default <see cref="ClusterVersion.Current"/>, the highest; at least <see cref="ClusterVersion.Oldest"/>. A new data directory is
    /// created with it. Too low: new features stay off; a data directory of a higher version is refused. See docs/operating/upgrade.md.
    /// </remarks>
    public ClusterVersion ClusterVersionMax { get; init; } = ClusterVersion.Current;

    /// <summary>The clock.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    /// <summary>Creates the logger of the node, category <c>Quorate.Node</c>; default null: no log.</summary>
    /// <remarks>docs/operating/logs.md lists the messages with their event ids.</remarks>
    public ILoggerFactory? LoggerFactory { get; init; }

    /// <summary>The meter on which the node creates its instruments (<see cref="RaftMetricNames"/>); default null: no metrics.</summary>
    /// <remarks>The owner disposes it. Without a listener the instruments cost a branch each.</remarks>
    public Meter? Meter { get; init; }

    /// <summary>
    /// Called for each trace event of the core (elections, commits, truncations), on the node's own threads, one call at a time. It must
    /// not block. An exception that it throws is logged, and the node continues.
    /// </summary>
    public Action<NodeId, TraceEvent>? OnTrace { get; init; }

    /// <summary>
    /// Receives each step of this node's core as a line of JSON, in the format of docs/formats/trace.md; default null: no trace.
    /// </summary>
    /// <remarks>
    /// For diagnosis: it shows what the node received, decided and sent. It grows with every message. The caller disposes the stream, after
    /// the node; each start needs a stream of its own, or appends a trace to the stream of an earlier start.
    /// Threading: the node writes from its loop, one write at a time, usually one at the end of each iteration. A slow stream slows the
    /// node down.
    /// Durability: the node flushes the stream only when it stops. To keep the last lines of a killed process, pass a stream without a
    /// buffer, such as a <see cref="FileStream"/> with a buffer size of 0.
    /// Errors: at the first exception of the stream the trace ends and the node logs it once; the node continues.
    /// </remarks>
    public Stream? TraceStream { get; init; }

    /// <summary>Starts the transport that carries the messages between the members; null: TCP.</summary>
    /// <remarks>
    /// Called once in each start, when the log has been recovered. The node disposes the transport. All members must use transports that
    /// understand each other. <see cref="ITransport"/> documents what a transport must do.
    /// </remarks>
    public Func<TransportStartContext, ITransport>? TransportFactory { get; init; }

    /// <summary>
    /// A secret that all members share: only nodes that know it are accepted as peers. It authenticates, and does not encrypt; null: any
    /// program that reaches the port and sees the traffic can pose as a member.
    /// </summary>
    /// <remarks>Default null. All members need it, or none: a node with a secret and one without reject each other.</remarks>
    public PeerSecret? PeerSecret { get; init; }

    /// <summary>
    /// Called for each network event: a connection was made, lost or rejected. It must not block. An exception that it throws is logged,
    /// and the node continues.
    /// </summary>
    public Action<TransportEvent>? OnTransportEvent { get; init; }

    /// <summary>Returns the address of a member: that of the configuration, or else that of these options.</summary>
    internal PeerAddress? AddressOf(Member member)
    {
        if (PeerAddress.TryParse(member.Address, out var address))
            return address;
        return Members.TryGetValue(member.Id, out address) ? address : null;
    }

    /// <summary>Returns the configuration with the address of each member of which this node knows one.</summary>
    internal ConfigurationAt WithAddresses(ConfigurationAt at)
    {
        var configuration = at.Configuration;
        if (configuration.IsEmpty)
            return at;
        var details = configuration.Details.Select(member => member.Address.Length == 0 && AddressOf(member) is { } address
            ? member with { Address = address.ToString() }
            : member);
        return at with
        {
            Configuration = new Configuration(configuration.Voters, configuration.Outgoing, configuration.Learners, details),
        };
    }

    /// <summary>Validates every option and the relations between them.</summary>
    /// <exception cref="ArgumentException">
    /// An option is out of range; the message names the option, its value and the valid range.
    /// </exception>
    public void Validate()
    {
        if (Members?.ContainsKey(NodeId) != true)
        {
            throw new ArgumentException(
                Members is null
                    ? "Members is null; it must list all members, including this one."
                    : $"Members does not contain this node, {NodeId}; it must list all members, including this one.",
                nameof(Members));
        }

        if (HeartbeatInterval < TimeSpan.FromMilliseconds(10))
        {
            throw new ArgumentException(
                $"HeartbeatInterval is {HeartbeatInterval.TotalMilliseconds} ms; it must be at least 10 ms.", nameof(HeartbeatInterval));
        }

        if (ElectionTimeout < 5 * HeartbeatInterval)
        {
            throw new ArgumentException(
                $"ElectionTimeout is {ElectionTimeout.TotalMilliseconds} ms; " +
                $"it must be at least 5 × HeartbeatInterval = {5 * HeartbeatInterval.TotalMilliseconds} ms.",
                nameof(ElectionTimeout));
        }

        var leaseMax = ElectionTimeout - (HeartbeatInterval * 1.1);
        if (LeaseDuration != TimeSpan.Zero && (LeaseDuration < TimeSpan.Zero || LeaseDuration > leaseMax
            || LeaseDuration.Ticks % TimeSpan.TicksPerMillisecond != 0))
        {
            throw new ArgumentException(
                $"LeaseDuration is {LeaseDuration.TotalMilliseconds} ms; it must be 0 (no leases), or whole milliseconds up to " +
                $"ElectionTimeout − 1.1 × HeartbeatInterval = {leaseMax.TotalMilliseconds} ms.",
                nameof(LeaseDuration));
        }

        if (LeaseClockDriftMax is not (>= 0 and <= 0.5))
        {
            throw new ArgumentException(
                $"LeaseClockDriftMax is {LeaseClockDriftMax}; it must be from 0 to 0.5.", nameof(LeaseClockDriftMax));
        }

        if (MaxPendingRequests < 1)
            throw new ArgumentException($"MaxPendingRequests is {MaxPendingRequests}; it must be at least 1.", nameof(MaxPendingRequests));
        if (MaxUncommittedBytes < 1)
        {
            throw new ArgumentException(
                $"MaxUncommittedBytes is {MaxUncommittedBytes}; it must be at least 1.", nameof(MaxUncommittedBytes));
        }

        if (SnapshotLogBytes < 1)
            throw new ArgumentException($"SnapshotLogBytes is {SnapshotLogBytes}; it must be at least 1.", nameof(SnapshotLogBytes));
        if (SnapshotLogEntries < 1)
            throw new ArgumentException($"SnapshotLogEntries is {SnapshotLogEntries}; it must be at least 1.", nameof(SnapshotLogEntries));
        if (StateHashInterval < 0)
        {
            throw new ArgumentException(
                $"StateHashInterval is {StateHashInterval}; it must be 0 (no comparison) or more.", nameof(StateHashInterval));
        }

        if (SnapshotReceiveBytesPerSecond < 0)
        {
            throw new ArgumentException(
                $"SnapshotReceiveBytesPerSecond is {SnapshotReceiveBytesPerSecond}; it must be 0 (no limit) or more.",
                nameof(SnapshotReceiveBytesPerSecond));
        }

        if (MaxCommandBytes < 1 || MaxCommandBytes > SegmentBytes / 4)
        {
            throw new ArgumentException(
                $"MaxCommandBytes is {MaxCommandBytes}; it must be from 1 to a quarter of SegmentBytes = {SegmentBytes / 4}, " +
                "because a command lies within one segment file.",
                nameof(MaxCommandBytes));
        }

        if (ClusterVersionMax < ClusterVersion.Oldest || ClusterVersionMax > ClusterVersion.Current)
        {
            throw new ArgumentException(
                $"ClusterVersionMax is {ClusterVersionMax}; it must be from {ClusterVersion.Oldest} to {ClusterVersion.Current}.",
                nameof(ClusterVersionMax));
        }

        if (TraceStream is { CanWrite: false })
            throw new ArgumentException("TraceStream is not writable; it must be open for writing, or null.", nameof(TraceStream));
        ArgumentException.ThrowIfNullOrWhiteSpace(DataDirectory);
        foreach (var (name, value) in DataDirectoryAttributes)
        {
            if (!IdentityFormat.IsValidAttribute(name, value))
            {
                throw new ArgumentException(
                    $"DataDirectoryAttributes has \"{name}\" = \"{value}\"; a name must not be empty or contain a space, " +
                    "and neither name nor value may contain a control character.",
                    nameof(DataDirectoryAttributes));
            }
        }

        _ = new Configuration(Members.Keys);
        ToWalOptions().Validate();
        ToRaftOptions(seed: 0).Validate();
    }

    /// <summary>The seed of the node's randomness; null: a random seed at each start. Tests that need repeatable runs set it.</summary>
    internal ulong? Seed { get; init; }

    /// <summary>
    /// How long a node that stops waits for its disk, its state machine and its transport. A flush of a healthy disk takes milliseconds,
    /// one of an overloaded disk a second or two; a supervisor kills a process that has not ended after ten seconds (Docker) or more.
    /// </summary>
    internal TimeSpan StopWaitMax { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>The clock of reads whose staleness is bounded: that of the node, or its counterpart that counts suspension.</summary>
    internal TimeProvider? ReadClock => TimeProvider == TimeProvider.System ? BootTimeProvider.Instance : TimeProvider;

    /// <summary>The duration of one tick of the core: a tenth of a heartbeat interval, so that timeouts have a fine resolution.</summary>
    internal TimeSpan TickInterval => HeartbeatInterval / HeartbeatTicks;

    /// <summary>The ticks of one heartbeat interval.</summary>
    internal const int HeartbeatTicks = 10;

    /// <summary>The largest frame between members: a full message followed by one command of the largest size.</summary>
    internal int MaxFrameBytes => Math.Max(16 << 20, PayloadBytesMax + (2 << 20));

    /// <summary>
    /// The largest command in the log and on the wire. It does not depend on <see cref="MaxCommandBytes"/>, which may be lowered, or differ
    /// between members, while longer commands are in the log.
    /// </summary>
    private int PayloadBytesMax => SegmentBytes / 4;

    internal WalOptions ToWalOptions() => new() { SegmentBytes = SegmentBytes, PayloadBytesMax = PayloadBytesMax };

    internal SnapshotPolicy ToSnapshotPolicy() => new()
    {
        LogBytes = SnapshotLogBytes,
        LogEntries = SnapshotLogEntries,
        BytesPerSecond = SnapshotReceiveBytesPerSecond,
    };

    internal RaftOptions ToRaftOptions(ulong seed) => new()
    {
        Self = NodeId,
        HeartbeatTicks = HeartbeatTicks,
        ElectionTicks = (int)Math.Round(ElectionTimeout / TickInterval),
        MaxCommandBytes = MaxCommandBytes,
        MaxUncommittedBytes = Math.Max(MaxUncommittedBytes, MaxCommandBytes),
        MaxCachedBytes = MaxCachedBytes,
        TickDuration = TickInterval,
        LeaseDuration = LeaseDuration,
        Seed = seed,
    };
}
