using Quorate.Raft;

namespace Quorate.Node.Wal;

/// <summary>What the disk still knows when a node starts.</summary>
/// <remarks>
/// Shape: an empty log has <c>LastIndex = FirstIndex - 1</c>. <see cref="TermStarts"/> has the first entry of every term, in order, from <see cref="FirstIndex"/>
/// to <see cref="LastIndex"/>; together they answer which term any entry has without reading it. The entries stay on the disk:
/// <see cref="WriteAheadLog.Read"/> has them.
/// </remarks>
internal sealed record RecoveredLog(
    HardState HardState, LogIndex FirstIndex, LogIndex LastIndex, LogIndex CommitMark, IReadOnlyList<EntryId> TermStarts, string? TruncatedTail)
{
    /// <summary>No entry: a new node, or one whose log begins behind a snapshot.</summary>
    public bool IsEmpty => LastIndex < FirstIndex;

    /// <summary>The last entry's term; 0 when the log is empty.</summary>
    public Term LastTerm => TermStarts.Count == 0 ? Term.Zero : TermStarts[^1].Term;

    /// <summary>The term of an entry of the log.</summary>
    public Term TermOf(LogIndex index)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(index, FirstIndex);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(index, LastIndex);
        var i = TermStarts.Count - 1;
        while (TermStarts[i].Index > index)
            i--;
        return TermStarts[i].Term;
    }
}
