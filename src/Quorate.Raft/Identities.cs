using System.Globalization;

namespace Quorate.Raft;

/// <summary>Names one member of a cluster for as long as the cluster lives. 0 is nobody.</summary>
/// <remarks>Shape: never reused, not even after the member has been removed. Source: thesis §4.4.</remarks>
public readonly record struct NodeId(ulong Value) : IComparable<NodeId>
{
    /// <summary>Nobody: no leader is known, no vote was cast.</summary>
    public static NodeId None => default;

    /// <inheritdoc/>
    public int CompareTo(NodeId other) => Value.CompareTo(other.Value);

    /// <summary>The id in hexadecimal, as etcd writes member ids.</summary>
    public override string ToString() => Value.ToString("x", CultureInfo.InvariantCulture);
}

/// <summary>One reign: at most one leader is elected in each. 0 is before the first election.</summary>
/// <remarks>Source: paper §5.1.</remarks>
public readonly record struct Term(ulong Value) : IComparable<Term>
{
    /// <summary>Before the first election.</summary>
    public static Term Zero => default;

    /// <summary>The term after this one.</summary>
    public Term Next => new(Value + 1);

    /// <inheritdoc/>
    public int CompareTo(Term other) => Value.CompareTo(other.Value);

    /// <summary>Earlier.</summary>
    public static bool operator <(Term a, Term b) => a.Value < b.Value;

    /// <summary>Later.</summary>
    public static bool operator >(Term a, Term b) => a.Value > b.Value;

    /// <summary>Earlier or the same.</summary>
    public static bool operator <=(Term a, Term b) => a.Value <= b.Value;

    /// <summary>Later or the same.</summary>
    public static bool operator >=(Term a, Term b) => a.Value >= b.Value;

    /// <inheritdoc/>
    public override string ToString() => Value.ToString(CultureInfo.InvariantCulture);
}

/// <summary>A place in the log. The first entry is at 1; 0 is the place before it.</summary>
public readonly record struct LogIndex(ulong Value) : IComparable<LogIndex>
{
    /// <summary>The place before the first entry.</summary>
    public static LogIndex Zero => default;

    /// <summary>The earlier of two places.</summary>
    public static LogIndex Min(LogIndex a, LogIndex b) => a.Value <= b.Value ? a : b;

    /// <summary>The later of two places.</summary>
    public static LogIndex Max(LogIndex a, LogIndex b) => a.Value >= b.Value ? a : b;

    /// <inheritdoc/>
    public int CompareTo(LogIndex other) => Value.CompareTo(other.Value);

    /// <summary>The place <paramref name="count"/> entries further on.</summary>
    public static LogIndex operator +(LogIndex index, int count) => new(checked(index.Value + (ulong)(long)count));

    /// <summary>The place <paramref name="count"/> entries back.</summary>
    public static LogIndex operator -(LogIndex index, int count) => new(checked(index.Value - (ulong)(long)count));

    /// <summary>How many entries lie in <c>(b, a]</c>.</summary>
    public static long operator -(LogIndex a, LogIndex b) => checked((long)a.Value - (long)b.Value);

    /// <summary>Nearer the beginning of the log.</summary>
    public static bool operator <(LogIndex a, LogIndex b) => a.Value < b.Value;

    /// <summary>Nearer the end of the log.</summary>
    public static bool operator >(LogIndex a, LogIndex b) => a.Value > b.Value;

    /// <summary>Nearer the beginning of the log, or the same place.</summary>
    public static bool operator <=(LogIndex a, LogIndex b) => a.Value <= b.Value;

    /// <summary>Nearer the end of the log, or the same place.</summary>
    public static bool operator >=(LogIndex a, LogIndex b) => a.Value >= b.Value;

    /// <inheritdoc/>
    public override string ToString() => Value.ToString(CultureInfo.InvariantCulture);
}

/// <summary>Names one entry: no two different entries ever share a term and an index.</summary>
/// <remarks>Source: paper §5.3, the Log Matching Property.</remarks>
public readonly record struct EntryId(Term Term, LogIndex Index)
{
    /// <summary>The place before the first entry: index 0, term 0.</summary>
    public static EntryId Zero => default;

    /// <summary>
    /// Whether a log that ends here holds at least what a log that ends at <paramref name="other"/> holds: the later last term
    /// wins, then the longer log.
    /// </summary>
    /// <remarks>Source: paper §5.4.1.</remarks>
    public bool IsAtLeastAsUpToDateAs(EntryId other) => Term > other.Term || (Term == other.Term && Index >= other.Index);

    /// <summary>term/index.</summary>
    public override string ToString() => $"{Term}/{Index}";
}

/// <summary>Names one proposal, from the moment it is made until its outcome is known.</summary>
/// <remarks>
/// Shape: <see cref="Sequence"/> is never used twice by one node, not even across restarts: it begins at a random 64-bit number that the driver
/// drew when it started, and ascends, though numbers drawn side by side may come in any order. The name travels in the log, so that the node which proposed
/// recognises its own command when that is committed, and that a leader knows a forwarded one that comes twice.
/// </remarks>
public readonly record struct ProposalId(NodeId Origin, ulong Sequence)
{
    /// <summary>Not a client's proposal: a no-op or a configuration.</summary>
    public static ProposalId None => default;

    /// <summary>origin#sequence.</summary>
    public override string ToString() => $"{Origin}#{Sequence}";
}
