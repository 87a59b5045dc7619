using System.Globalization;

namespace Quorate.Raft;

/// <summary>Identifies one member of a cluster for the lifetime of the cluster. 0 is no node.</summary>
/// <remarks>Shape: never reused, not even after the member has been removed. Source: thesis §4.4.</remarks>
public readonly record struct NodeId(ulong Value) : IComparable<NodeId>
{
    /// <summary>No node: no leader is known, or no vote was cast.</summary>
    public static NodeId None => default;

    /// <inheritdoc/>
    public int CompareTo(NodeId other) => Value.CompareTo(other.Value);

    /// <summary>The id in hexadecimal, as etcd writes member ids.</summary>
    public override string ToString() => Value.ToString("x", CultureInfo.InvariantCulture);
}

/// <summary>Identifies one Raft group: a log with its members, terms and elections. 0 is no group.</summary>
/// <remarks>
/// Shape: unique within a cluster, and never reused. Log frames and network frames carry it, so that many groups can share one
/// write-ahead log and one connection between two nodes. At present, every node runs the group <see cref="First"/>, and no other.
/// </remarks>
public readonly record struct GroupId(ulong Value) : IComparable<GroupId>
{
    /// <summary>No group.</summary>
    public static GroupId None => default;

    /// <summary>The group of a cluster that has one group.</summary>
    public static GroupId First => new(1);

    /// <inheritdoc/>
    public int CompareTo(GroupId other) => Value.CompareTo(other.Value);

    /// <summary>The id in decimal.</summary>
    public override string ToString() => Value.ToString(CultureInfo.InvariantCulture);
}

/// <summary>A Raft term: at most one leader is elected in each. 0 is before the first election.</summary>
/// <remarks>Source: paper §5.1.</remarks>
public readonly record struct Term(ulong Value) : IComparable<Term>
{
    /// <summary>The term before the first election.</summary>
    public static Term Zero => default;

    /// <summary>The term after this one.</summary>
    public Term Next => new(Value + 1);

    /// <inheritdoc/>
    public int CompareTo(Term other) => Value.CompareTo(other.Value);

    /// <summary>Whether <paramref name="a"/> is earlier.</summary>
    public static bool operator <(Term a, Term b) => a.Value < b.Value;

    /// <summary>Whether <paramref name="a"/> is later.</summary>
    public static bool operator >(Term a, Term b) => a.Value > b.Value;

    /// <summary>Whether <paramref name="a"/> is earlier or equal.</summary>
    public static bool operator <=(Term a, Term b) => a.Value <= b.Value;

    /// <summary>Whether <paramref name="a"/> is later or equal.</summary>
    public static bool operator >=(Term a, Term b) => a.Value >= b.Value;

    /// <inheritdoc/>
    public override string ToString() => Value.ToString(CultureInfo.InvariantCulture);
}

/// <summary>An index of the log. The first entry is at 1; 0 is the index before it.</summary>
public readonly record struct LogIndex(ulong Value) : IComparable<LogIndex>
{
    /// <summary>The index before the first entry.</summary>
    public static LogIndex Zero => default;

    /// <summary>The smaller of two indexes.</summary>
    public static LogIndex Min(LogIndex a, LogIndex b) => a.Value <= b.Value ? a : b;

    /// <summary>The larger of two indexes.</summary>
    public static LogIndex Max(LogIndex a, LogIndex b) => a.Value >= b.Value ? a : b;

    /// <inheritdoc/>
    public int CompareTo(LogIndex other) => Value.CompareTo(other.Value);

    /// <summary>The index <paramref name="count"/> entries later.</summary>
    public static LogIndex operator +(LogIndex index, int count) => new(checked(index.Value + (ulong)(long)count));

    /// <summary>The index <paramref name="count"/> entries earlier.</summary>
    public static LogIndex operator -(LogIndex index, int count) => new(checked(index.Value - (ulong)(long)count));

    /// <summary>The number of entries in <c>(b, a]</c>.</summary>
    public static long operator -(LogIndex a, LogIndex b) => checked((long)a.Value - (long)b.Value);

    /// <summary>Whether <paramref name="a"/> is smaller.</summary>
    public static bool operator <(LogIndex a, LogIndex b) => a.Value < b.Value;

    /// <summary>Whether <paramref name="a"/> is larger.</summary>
    public static bool operator >(LogIndex a, LogIndex b) => a.Value > b.Value;

    /// <summary>Whether <paramref name="a"/> is smaller or equal.</summary>
    public static bool operator <=(LogIndex a, LogIndex b) => a.Value <= b.Value;

    /// <summary>Whether <paramref name="a"/> is larger or equal.</summary>
    public static bool operator >=(LogIndex a, LogIndex b) => a.Value >= b.Value;

    /// <inheritdoc/>
    public override string ToString() => Value.ToString(CultureInfo.InvariantCulture);
}

/// <summary>Identifies one entry: two different entries never share a term and an index.</summary>
/// <remarks>Source: paper §5.3, the Log Matching Property.</remarks>
public readonly record struct EntryId(Term Term, LogIndex Index)
{
    /// <summary>The position before the first entry: index 0, term 0.</summary>
    public static EntryId Zero => default;

    /// <summary>
    /// Whether a log that ends with this entry is at least as up to date as one that ends with <paramref name="other"/>: the later last
    /// term wins, then the longer log.
    /// </summary>
    /// <remarks>Source: paper §5.4.1.</remarks>
    public bool IsAtLeastAsUpToDateAs(EntryId other) => Term > other.Term || (Term == other.Term && Index >= other.Index);

    /// <summary>Formats the id as term/index.</summary>
    public override string ToString() => $"{Term}/{Index}";
}

/// <summary>Identifies one proposal, from its creation until its outcome is known.</summary>
/// <remarks>
/// Shape: a node never uses a <see cref="Sequence"/> twice, not even across restarts: sequences begin at a random 64-bit number that the
/// driver draws when it starts, and ascend, although numbers drawn concurrently may arrive in any order. The id is stored in the log, so
/// that the proposing node recognises its own command when it is committed, and a leader recognises a duplicate of a forwarded one.
/// </remarks>
public readonly record struct ProposalId(NodeId Origin, ulong Sequence)
{
    /// <summary>The id of an entry that is not a client's proposal: a no-op or a configuration.</summary>
    public static ProposalId None => default;

    /// <summary>Formats the id as origin#sequence.</summary>
    public override string ToString() => $"{Origin}#{Sequence}";
}

/// <summary>Identifies a data directory: a random number that is drawn when the directory is created. 0 is no directory.</summary>
/// <remarks>
/// A member that comes back with an empty data directory has forgotten its votes and the entries it had acknowledged. Under its old id it
/// could vote twice in a term, or help to elect a leader without entries that it had acknowledged. Its new directory has another id: the
/// configuration binds the member to the old one, and every node that knows the old one rejects the new one.
/// </remarks>
public readonly record struct DirectoryId(ulong Value)
{
    /// <summary>No directory: the peer did not send the id of its directory.</summary>
    public static DirectoryId None => default;

    /// <summary>The id as 16 hexadecimal digits, as it is written in the identity file.</summary>
    public override string ToString() => Value.ToString("x16", CultureInfo.InvariantCulture);
}
