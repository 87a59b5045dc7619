namespace Quorate.Node;

/// <summary>
/// The names of the instruments that a node creates on <see cref="RaftNodeOptions.Meter"/>; docs/operating/metrics.md lists them.
/// </summary>
public static class RaftMetricNames
{
    /// <summary>Histogram, seconds: from the queueing of a proposal of this node until it is committed and applied here.</summary>
    public const string CommitDuration = "quorate.raft.commit.duration";

    /// <summary>Histogram, seconds: one write and flush of the write-ahead log.</summary>
    public const string FlushDuration = "quorate.raft.flush.duration";

    /// <summary>Histogram, seconds: one batch of entries applied by the state machine.</summary>
    public const string ApplyDuration = "quorate.raft.apply.duration";

    /// <summary>Counter: entries applied by the state machine since the node started, without its replay.</summary>
    public const string AppliedEntries = "quorate.raft.apply.entries";

    /// <summary>Gauge: proposals of this node without an outcome.</summary>
    public const string PendingProposals = "quorate.raft.proposals.pending";

    /// <summary>Gauge: reads of this node without a result.</summary>
    public const string PendingReads = "quorate.raft.reads.pending";

    /// <summary>Counter: elections that this node has started.</summary>
    public const string Elections = "quorate.raft.elections";

    /// <summary>Counter: leaders that this node has seen elected, including itself.</summary>
    public const string LeaderChanges = "quorate.raft.leader.changes";

    /// <summary>Counter: messages that were ignored because their term is impossibly far ahead.</summary>
    public const string RejectedTerms = "quorate.raft.terms.rejected";

    /// <summary>
    /// Counter, {transfer}: transfers of leadership that this node has begun as leader. <see cref="ReasonAttribute"/> is the reason.
    /// </summary>
    public const string LeadershipTransfers = "quorate.raft.leader.transfers";

    /// <summary>
    /// Gauge, 1: the health of this node's disk: 0 healthy, 1 space is short, 2 no space is left, 3 a write does not complete.
    /// </summary>
    public const string StorageHealth = "quorate.raft.storage.health";

    /// <summary>
    /// Gauge, 1: the comparison of the members' states: 0 no difference is known, 1 another member differs from a majority, 2 states differ
    /// without a majority, 3 this node is quarantined.
    /// </summary>
    public const string Divergence = "quorate.raft.divergence";

    /// <summary>
    /// Gauge, 1: the health of the cluster as this node sees it: 0 healthy, 1 degraded, 2 critical (<see cref="Health.HealthLevel"/>).
    /// </summary>
    public const string HealthLevel = "quorate.raft.health";

    /// <summary>Gauge, 1: 1 if the cluster has a quorum as far as this node knows, else 0.</summary>
    public const string HasQuorum = "quorate.raft.has_quorum";

    /// <summary>
    /// Gauge, {member}: how many more voters may fail before there is no quorum. Measured by the leader, and by a node that knows none (0).
    /// </summary>
    public const string FailureTolerance = "quorate.raft.failure_tolerance";

    /// <summary>Gauge: 1 if this node considers itself the leader, else 0.</summary>
    public const string IsLeader = "quorate.raft.is_leader";

    /// <summary>Gauge: the newest term that the node knows.</summary>
    public const string Term = "quorate.raft.term";

    /// <summary>Gauge: the highest index that the node knows to be committed.</summary>
    public const string CommitIndex = "quorate.raft.commit.index";

    /// <summary>Gauge: the highest index that the state machine has applied.</summary>
    public const string AppliedIndex = "quorate.raft.applied.index";

    /// <summary>Counter, bytes: frames exchanged with a peer, by peer and direction.</summary>
    public const string NetworkIo = "quorate.raft.network.io";

    /// <summary>Counter: messages to a peer that were dropped because its queue was full or it was not connected.</summary>
    public const string DroppedMessages = "quorate.raft.network.dropped";

    /// <summary>Attribute of every measurement: the id of the node.</summary>
    public const string NodeAttribute = "quorate.node.id";

    /// <summary>Attribute of network measurements: the id of the peer.</summary>
    public const string PeerAttribute = "quorate.peer.id";

    /// <summary>Attribute of <see cref="NetworkIo"/>: <c>transmit</c> or <c>receive</c>.</summary>
    public const string DirectionAttribute = "network.io.direction";

    /// <summary>Attribute: why leadership was transferred, a <see cref="LeaderChangeReason"/>.</summary>
    public const string ReasonAttribute = "quorate.transfer.reason";
}
