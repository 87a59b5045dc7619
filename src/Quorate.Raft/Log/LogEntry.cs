namespace Quorate.Raft;

/// <summary>What an entry of the log is for.</summary>
public enum EntryKind : byte
{
    /// <summary>Empty: the first entry of a leader's term, which opens commit and reads. Source: thesis §6.4.</summary>
    NoOp = 1,

    /// <summary>A command for the state machine.</summary>
    Command = 2,

    /// <summary>A configuration of the cluster. Source: thesis §4.</summary>
    Configuration = 3,
}

/// <summary>One entry of the replicated log.</summary>
/// <remarks>
/// Shape: <see cref="Payload"/> is empty for a no-op. It is never changed after the entry was made, and whoever hands an entry in
/// leaves the bytes alone from then on. Two entries compare by place, not by content.
/// </remarks>
public readonly record struct LogEntry(EntryId Id, EntryKind Kind, ProposalId Proposal, ReadOnlyMemory<byte> Payload)
{
    /// <summary>
    /// Bytes an entry is counted as beside its payload, in windows and caps: what its header takes in a WAL record, rounded up,
    /// so that a flood of empty entries is bounded too.
    /// </summary>
    public const int OverheadBytes = 48;

    /// <summary>The term of the leader that made the entry.</summary>
    public Term Term => Id.Term;

    /// <summary>Its place in the log.</summary>
    public LogIndex Index => Id.Index;

    /// <summary>What the entry counts for in windows and caps, bytes.</summary>
    public int SizeBytes => Payload.Length + OverheadBytes;

    /// <summary>The empty entry that a new leader writes.</summary>
    public static LogEntry NoOp(Term term, LogIndex index) => new(new EntryId(term, index), EntryKind.NoOp, ProposalId.None, default);
}

/// <summary>A command on its way into the log.</summary>
public readonly record struct Proposal(ProposalId Id, ReadOnlyMemory<byte> Command);

/// <summary>What must survive a crash besides the entries: one record, written as one.</summary>
/// <remarks>
/// Durability: on disk before any message of <see cref="Term"/> leaves. Term and vote are one record because a crash between the
/// two would let a node vote twice in a term. Source: paper Fig. 2 "Persistent state".
/// </remarks>
public readonly record struct HardState(Term Term, NodeId VotedFor)
{
    /// <summary>term, vote.</summary>
    public override string ToString() => $"term {Term} vote {VotedFor}";
}
