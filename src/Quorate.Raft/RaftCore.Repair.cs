namespace Quorate.Raft;

/// <summary>Repair: a member that has lost entries it had acknowledged, because its disk was corrupted, receives them again.</summary>
/// <remarks>
/// An acknowledgement of this member may be one of the majority that committed an entry. Without the entry, its vote could help to elect a
/// leader that lacks the entry too. So it neither votes nor campaigns until it holds a committed entry of a term after the loss.
/// <code>
///   term                  t             t + 1 …            T, elected without this member's vote
///   this member   acknowledges, ✗ loses entries, enters t + 1 ── receives the log of T's leader ── an entry of T is committed ── votes
/// </code>
/// That is enough. Whatever was committed with this member's acknowledgement was acknowledged by a majority, at the latest in term t. The
/// majority that elected the leader of T shares a member with it, which is another one than this, and which still held the entry when it
/// voted. So the leader of T has the entry, and it lies before every entry of T.
/// Entering t + 1 deposes the leader of t, if there is one: it counts on entries that this member acknowledged to it and no longer has.
/// Meanwhile this member acknowledges what it receives, which is true; so it counts in the commitment of new entries.
/// Source: the problem, Alagappan et al., "Protocol-Aware Recovery for Consensus-Based Storage" (FAST 2018); this rule is Quorate's.
/// </remarks>
public sealed partial class RaftCore
{
    /// <summary>The last term in which this node may have acknowledged entries that it lacks; 0: it lacks none.</summary>
    private Term _repairTerm;

    /// <summary>
    /// Whether this node may lack entries that it has acknowledged. Until it has them again, it neither votes nor campaigns.
    /// </summary>
    public bool IsRepairing => _repairTerm != Term.Zero;

    /// <summary>Ends the repair once an entry of a later term is committed and, with all before it, on this node's disk.</summary>
    private void TryEndRepair(Effects effects)
    {
        var known = LogIndex.Min(_commit, _log.Durable);
        if (_log.TermAt(known) is not { } term || term <= _repairTerm)
            return;
        _repairTerm = Term.Zero;
        StageHardState();
        Trace(TraceKind.Repaired, effects, index: known);
    }
}
