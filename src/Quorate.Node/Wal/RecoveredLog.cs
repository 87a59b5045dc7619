using Quorate.Raft;

namespace Quorate.Node.Wal;

/// <summary>The content of the log as recovered at startup.</summary>
/// <remarks>
/// Shape: an empty log has <c>LastIndex = FirstIndex - 1</c>. <see cref="TermStarts"/> has the first entry of every term, in order, from
/// <see cref="FirstIndex"/> to <see cref="LastIndex"/>; from it follows the term of any entry without reading the entry. The entries stay
/// on disk; <see cref="WriteAheadLog.Read"/> reads them. <see cref="TruncatedTail"/> and <see cref="HardStateRepair"/> describe what was
/// found and corrected, for the node's log output.
/// </remarks>
internal sealed record RecoveredLog(
    HardState HardState, LogIndex FirstIndex, LogIndex LastIndex, LogIndex CommitMark, IReadOnlyList<EntryId> TermStarts,
    string? TruncatedTail, string? HardStateRepair = null)
{
    /// <summary>Whether the log has no entry: a new node, or a log that begins after a snapshot.</summary>
    public bool IsEmpty => LastIndex < FirstIndex;

    /// <summary>The term of the last entry; 0 when the log is empty.</summary>
    public Term LastTerm => TermStarts.Count == 0 ? Term.Zero : TermStarts[^1].Term;

    /// <summary>Returns the term of an entry of the log.</summary>
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
