namespace Quorate.Raft;

/// <summary>The kinds of <see cref="Input"/>.</summary>
public enum InputKind : byte
{
    /// <summary>One tick of time has passed.</summary>
    Tick = 1,

    /// <summary>A message was received.</summary>
    Message = 2,

    /// <summary>Clients of this node propose commands.</summary>
    Propose = 3,

    /// <summary>A client of this node requests a linearizable read.</summary>
    Read = 4,

    /// <summary>An append, and all before it, is durable.</summary>
    Durable = 5,

    /// <summary>The state machine has applied entries up to an index.</summary>
    Applied = 6,

    /// <summary>Requested entries have been loaded from the disk.</summary>
    EntriesLoaded = 7,

    /// <summary>The connection of a peer was closed: its process may be gone.</summary>
    PeerLost = 8,

    /// <summary>
    /// Ends an iteration of the driver: all inputs that had arrived were stepped, and the core may send what has accumulated.
    /// </summary>
    EndOfIteration = 9,

    /// <summary>A client of this node no longer waits for the outcome of a proposal.</summary>
    Withdraw = 10,

    /// <summary>A snapshot of this node's state machine is durable.</summary>
    SnapshotSaved = 11,

    /// <summary>A snapshot of another member was received, and is durable.</summary>
    SnapshotReceived = 12,

    /// <summary>The driver observed a change of the disk.</summary>
    StorageHealth = 13,

    /// <summary>An operator, or a node that stops, wants another member to lead.</summary>
    TransferLeadership = 14,

    /// <summary>The members of the cluster can, or cannot, take part in leadership transfers.</summary>
    TransferSupport = 15,

    /// <summary>The driver of a leader proposes a version of the cluster.</summary>
    ProposeClusterVersion = 16,

    /// <summary>The state machine of this node is quarantined.</summary>
    Quarantined = 17,

    /// <summary>The members of the cluster know, or do not know, changes of the configuration.</summary>
    MembershipSupport = 20,

    /// <summary>The data directory of a member is known: of a peer that was authenticated, or of this node.</summary>
    PeerDirectory = 21,
}

/// <summary>One input of <see cref="RaftCore.Step"/>: something that happened to a node.</summary>
public readonly struct Input
{
    private Input(InputKind kind) => Kind = kind;

    /// <summary>The kind of the input.</summary>
    public InputKind Kind { get; }

    /// <summary>The message of an <see cref="InputKind.Message"/>.</summary>
    public Message? Message { get; private init; }

    /// <summary>The payload of the entry of a <see cref="InputKind.ProposeClusterVersion"/>.</summary>
    public ReadOnlyMemory<byte> Payload { get; private init; }

    /// <summary>The proposals of a <see cref="InputKind.Propose"/>.</summary>
    public ReadOnlyMemory<Proposal> Proposals { get; private init; }

    /// <summary>The entries of an <see cref="InputKind.EntriesLoaded"/>.</summary>
    public ReadOnlyMemory<LogEntry> Entries { get; private init; }

    /// <summary>
    /// With <see cref="InputKind.Read"/> the driver's ticket, with <see cref="InputKind.Durable"/> the token, with
    /// <see cref="InputKind.Withdraw"/> the proposal's sequence, with <see cref="InputKind.StorageHealth"/> the health, with
    /// <see cref="InputKind.TransferSupport"/> and <see cref="InputKind.MembershipSupport"/> 1 or 0, with
    /// <see cref="InputKind.TransferLeadership"/> the driver's ticket, with <see cref="InputKind.PeerDirectory"/> the directory.
    /// </summary>
    public ulong Number { get; private init; }

    /// <summary>The ticks after which a <see cref="InputKind.TransferLeadership"/> is given up; 0: an election timeout.</summary>
    public int Ticks { get; private init; }

    /// <summary>
    /// The index of an <see cref="InputKind.Applied"/>; with <see cref="InputKind.SnapshotSaved"/> the index up to which the log may be
    /// compacted.
    /// </summary>
    public LogIndex Index { get; private init; }

    /// <summary>The last entry that the snapshot covers.</summary>
    public EntryId Snapshot { get; private init; }

    /// <summary>The configuration as of the snapshot of a <see cref="InputKind.SnapshotReceived"/>.</summary>
    public ConfigurationAt? Configuration { get; private init; }

    /// <summary>
    /// The peer of an <see cref="InputKind.EntriesLoaded"/>, a <see cref="InputKind.PeerLost"/>, a
    /// <see cref="InputKind.TransferLeadership"/> or a <see cref="InputKind.PeerDirectory"/>.
    /// </summary>
    public NodeId Peer { get; private init; }

    /// <summary>One tick of time has passed; the driver decides how long a tick is.</summary>
    public static Input Tick => new(InputKind.Tick);

    /// <summary>
    /// All inputs that had arrived were stepped. A leader now sends each follower the entries it lacks, and another node forwards its
    /// clients' requests to the leader, in as few messages as possible: sixty proposals that arrived together are sent together.
    /// </summary>
    public static Input EndOfIteration => new(InputKind.EndOfIteration);

    /// <summary>
    /// The same with the clock of the node, by which a leader requests leases (<see cref="RaftCore.LeaseStart"/>). A driver whose members
    /// may lead without leases needs no clock.
    /// </summary>
    /// <param name="clock">
    /// Any number above 0 that a monotonic clock has shown before this step, and that is never less than in an earlier step.
    /// </param>
    public static Input EndOfIterationAt(ulong clock) => new(InputKind.EndOfIteration) { Number = clock };

    /// <summary>A message was received. The core keeps nothing of it but the payloads of its entries.</summary>
    public static Input Received(Message message) => new(InputKind.Message) { Message = message };

    /// <summary>
    /// Commands for the log. Each has exactly one outcome: it appears in <see cref="Effects.Apply"/>, or in
    /// <see cref="Effects.Rejections"/>, or the driver stops waiting, must report it as indeterminate, and notifies the core with
    /// <see cref="Withdraw"/>.
    /// </summary>
    public static Input Propose(ReadOnlyMemory<Proposal> proposals) => new(InputKind.Propose) { Proposals = proposals };

    /// <summary>
    /// No client waits for the outcome of this proposal any more. The core does not resend it and will not reject it. If the leader already
    /// has it, it may still be committed and is then applied like any other entry.
    /// </summary>
    public static Input Withdraw(ulong sequence) => new(InputKind.Withdraw) { Number = sequence };

    /// <summary>
    /// A linearizable read requests the index that must be applied before it may read; the result is in <see cref="Effects.ReadResults"/>.
    /// </summary>
    /// <remarks>
    /// The read stays in the core until its result is known. A driver whose readers may stop waiting should keep few tickets outstanding at
    /// a time, and let reads that arrive meanwhile share the next ticket.
    /// </remarks>
    /// <param name="ticket">The driver's own number for the read, never used twice.</param>
    public static Input Read(ulong ticket) => new(InputKind.Read) { Number = ticket };

    /// <summary>
    /// The health of the disk has changed. A member that cannot write does not campaign, grants no pre-votes, and passes leadership on.
    /// </summary>
    public static Input StorageHealth(StorageHealth health) => new(InputKind.StorageHealth) { Number = (ulong)health };

    /// <summary>
    /// A leader transfers its leadership. Meanwhile it appends no proposals; the driver holds them back. The result is in
    /// <see cref="Effects.TransferResults"/>.
    /// </summary>
    /// <param name="target">The voter that is to lead, or none: the one that is most likely to take over at once.</param>
    /// <param name="ticket">The driver's own number for the transfer, never used twice; 0: no result is wanted.</param>
    /// <param name="ticks">After so many ticks the leader gives the transfer up and leads on; 0: after an election timeout.</param>
    public static Input TransferLeadership(NodeId target, ulong ticket = 0, int ticks = 0) =>
        new(InputKind.TransferLeadership) { Peer = target, Number = ticket, Ticks = ticks };

    /// <summary>
    /// Whether all members know leadership transfers; true until the driver reports otherwise. A leader transfers nothing while one does
    /// not: it would hold back proposals, and the target would ignore the request.
    /// </summary>
    public static Input TransferSupport(bool isSupported) => new(InputKind.TransferSupport) { Number = isSupported ? 1UL : 0 };

    /// <summary>
    /// A leader appends an entry of kind <see cref="EntryKind.ClusterVersion"/>. Without effect if this node does not lead, or transfers
    /// its leadership: the driver finds the entry among the applied ones, or proposes again.
    /// </summary>
    /// <param name="payload">The payload of the entry; the core does not read it. It must not change.</param>
    public static Input ProposeClusterVersion(ReadOnlyMemory<byte> payload) => new(InputKind.ProposeClusterVersion) { Payload = payload };

    /// <summary>
    /// The state machine of this node is not in the state that the log prescribes: the node leads only if no other voter can. It holds
    /// until the core ends.
    /// </summary>
    public static Input Quarantined => new(InputKind.Quarantined);

    /// <summary>The append with this token, and every one before it, is durable.</summary>
    public static Input Durable(ulong token) => new(InputKind.Durable) { Number = token };

    /// <summary>
    /// A snapshot of this node's state machine is durable. The log may now drop entries that the snapshot covers, up to
    /// <paramref name="compactTo"/>: the driver keeps some before the snapshot, so that a follower that is slightly behind does not need
    /// the whole snapshot. A leader drops none while a follower receives a snapshot.
    /// </summary>
    /// <param name="last">
    /// The last entry that the snapshot covers. It must have been of the term of this node when the state machine was captured: then every
    /// leader of that term or a later one has it.
    /// </param>
    /// <param name="compactTo">The last entry that need not be kept; at most <paramref name="last"/>.</param>
    public static Input SnapshotSaved(EntryId last, LogIndex compactTo) =>
        new(InputKind.SnapshotSaved) { Snapshot = last, Index = compactTo };

    /// <summary>
    /// A snapshot that another member took was received, verified, and is durable. The core installs it with
    /// <see cref="Effects.RestoreSnapshot"/>, unless this node no longer needs it.
    /// </summary>
    /// <param name="last">The last entry that the snapshot covers.</param>
    /// <param name="configuration">The configuration as of that entry; null: the configuration has never changed.</param>
    public static Input SnapshotReceived(EntryId last, ConfigurationAt? configuration = null) =>
        new(InputKind.SnapshotReceived) { Snapshot = last, Configuration = configuration };

    /// <summary>
    /// Whether all members know changes of the configuration; true until the driver reports otherwise. While one does not, changes are
    /// rejected and no member is bound to its data directory.
    /// </summary>
    public static Input MembershipSupport(bool isSupported) => new(InputKind.MembershipSupport) { Number = isSupported ? 1UL : 0 };

    /// <summary>
    /// A peer was authenticated and has this data directory; or this node has. A leader binds the member to it (<see cref="Member"/>).
    /// </summary>
    public static Input PeerDirectory(NodeId peer, DirectoryId directory) =>
        new(InputKind.PeerDirectory) { Peer = peer, Number = directory.Value };

    /// <summary>The state machine has applied everything up to this index.</summary>
    public static Input Applied(LogIndex index) => new(InputKind.Applied) { Index = index };

    /// <summary>
    /// The entries that <see cref="Effects.EntriesRequests"/> requested, loaded from the disk; empty when they could not be loaded.
    /// </summary>
    public static Input EntriesLoaded(NodeId forPeer, ReadOnlyMemory<LogEntry> entries) =>
        new(InputKind.EntriesLoaded) { Peer = forPeer, Entries = entries };

    /// <summary>
    /// The connection of a peer was closed. If the peer was the leader, a pre-vote starts after a short delay instead of after an election
    /// timeout. If it is a follower, everything in flight to it is sent again.
    /// </summary>
    public static Input PeerLost(NodeId peer) => new(InputKind.PeerLost) { Peer = peer };
}
