namespace Quorate.Raft;

/// <summary>The purpose of a log entry.</summary>
public enum EntryKind : byte
{
    /// <summary>
    /// Empty: the first entry of a leader's term; once it is committed, earlier entries are too and reads may be granted. Source: thesis
    /// §6.4.
    /// </summary>
    NoOp = 1,

    /// <summary>A command for the state machine.</summary>
    Command = 2,

    /// <summary>A configuration of the cluster (<see cref="ConfigurationCodec"/>). Source: thesis §4.</summary>
    Configuration = 3,

    /// <summary>The version of the cluster, which decides what members may send and write. The core only replicates it.</summary>
    ClusterVersion = 4,
}

/// <summary>One entry of the replicated log.</summary>
/// <remarks>
/// Shape: <see cref="Payload"/> is empty for a no-op. The payload never changes after the entry was created: a caller that passes an entry
/// to the core must not modify its bytes from then on. Entries are compared by the location of their payload, not by its content.
/// </remarks>
public readonly record struct LogEntry(EntryId Id, EntryKind Kind, ProposalId Proposal, ReadOnlyMemory<byte> Payload)
{
    /// <summary>
    /// Bytes that windows and limits count for an entry in addition to its payload: the size of its header in a record of the write-ahead
    /// log, rounded up, so that a flood of empty entries is bounded too.
    /// </summary>
    public const int OverheadBytes = 48;

    /// <summary>The term of the leader that created the entry.</summary>
    public Term Term => Id.Term;

    /// <summary>The index of the entry.</summary>
    public LogIndex Index => Id.Index;

    /// <summary>The size of the entry in bytes, as windows and limits count it.</summary>
    public int SizeBytes => Payload.Length + OverheadBytes;

    /// <summary>Creates the empty entry that a new leader appends.</summary>
    public static LogEntry NoOp(Term term, LogIndex index) => new(new EntryId(term, index), EntryKind.NoOp, ProposalId.None, default);
}

/// <summary>A command that is to be appended to the log.</summary>
public readonly record struct Proposal(ProposalId Id, ReadOnlyMemory<byte> Command)
{
    /// <summary>
    /// The term in which the command must be appended, or zero for any term. In another term the proposal is rejected with
    /// <see cref="RejectReason.TermMismatch"/>.
    /// </summary>
    /// <remarks>
    /// It is checked where the proposal is made and is not sent: a forwarded proposal is only ever appended in the term in which it was
    /// forwarded.
    /// </remarks>
    public Term ExpectedTerm { get; init; }

    /// <summary>
    /// <see cref="EntryKind.Command"/>, or <see cref="EntryKind.Configuration"/> if <see cref="Command"/> is an encoded
    /// <see cref="ConfigurationChange"/>, on which the leader decides.
    /// </summary>
    public EntryKind Kind { get; init; } = EntryKind.Command;
}

/// <summary>The state that must survive a crash in addition to the entries, as one record that is written at once.</summary>
/// <remarks>
/// Durability: on disk before any message of <see cref="Term"/> is sent. Term and vote are one record because a crash between two writes
/// would let a node vote twice in a term. Source: paper Fig. 2 "Persistent state".
/// </remarks>
public readonly record struct HardState(Term Term, NodeId VotedFor)
{
    /// <summary>
    /// The last term in which the node may have acknowledged entries that it has lost; 0: it has lost none. With such a term the node
    /// neither votes nor campaigns (<see cref="RaftCore.IsRepairing"/>).
    /// </summary>
    public Term RepairTerm { get; init; }

    /// <summary>
    /// The longest lease that the node may have granted to a leader, in milliseconds; 0: it has granted none. A node that starts votes only
    /// when such a lease has ended.
    /// </summary>
    public uint LeaseMilliseconds { get; init; }

    /// <summary>Returns the state of a node that enters a later term.</summary>
    public HardState InTerm(Term term) => this with { Term = term, VotedFor = NodeId.None };

    /// <summary>Returns the state of a node that has lost entries: it leaves its term, and lacks what it acknowledged up to it.</summary>
    public HardState AfterLoss() => this with { Term = Term.Next, VotedFor = NodeId.None, RepairTerm = Term };

    /// <summary>Formats term and vote.</summary>
    public override string ToString() =>
        $"term {Term} vote {VotedFor}{(RepairTerm == Term.Zero ? "" : $" entries lost up to term {RepairTerm}")}";
}
