namespace Quorate.Raft;

/// <summary>Leader to follower: extend your log. With no entries it is a heartbeat.</summary>
/// <remarks>
/// Shape: <see cref="Entries"/> is contiguous, begins at <c>Previous.Index + 1</c>, and its terms never decrease.
/// Units: indexes count entries from 1; payloads are bytes, bounded by <see cref="RaftOptions.MaxMessageBytes"/>.
/// Refusals: never an exception; the receiver answers with <see cref="AppendEntriesReply"/>.
/// Source: paper Fig. 2, thesis §3.5.
/// </remarks>
public sealed class AppendEntries : Message
{
    /// <summary>The entry just before <see cref="Entries"/>. A follower that lacks it refuses.</summary>
    public EntryId Previous { get; set; }

    /// <summary>The entries, in order; none makes a heartbeat.</summary>
    public ReadOnlyMemory<LogEntry> Entries { get; set; }

    /// <summary>The leader's commit index when it was said.</summary>
    public LogIndex LeaderCommit { get; set; }

    /// <summary>
    /// The leader's newest round of confirming that it still leads; the reply returns it. Source: thesis §6.4.
    /// </summary>
    public ulong Round { get; set; }

    /// <summary>Index of the last entry carried, or of <see cref="Previous"/> when there is none.</summary>
    public LogIndex LastIndex => Previous.Index + Entries.Length;

    internal override void Reset() => Entries = default;

    /// <inheritdoc/>
    public override string ToString() =>
        $"AppendEntries {From}→{To} term {Term} previous {Previous} entries {Entries.Length} commit {LeaderCommit} round {Round}";
}

/// <summary>Follower to leader: what became of an <see cref="AppendEntries"/>.</summary>
/// <remarks>
/// Durability: an accepting reply states what is on the follower's disk; it leaves only when the flush has returned.
/// Source: paper Fig. 2; the hint, paper §5.3 "the protocol can be optimized".
/// </remarks>
public sealed class AppendEntriesReply : Message
{
    /// <summary>Whether <see cref="AppendEntries.Previous"/> was there.</summary>
    public bool Accepted { get; set; }

    /// <summary>Accepted: the last index that is known to match the leader's log, and is durable. Refused: that of <see cref="AppendEntries.Previous"/>, or 0 when the message was of an earlier term.</summary>
    public LogIndex Index { get; set; }

    /// <summary>Refused: the last entry of the follower at or before the refused one whose term could match.</summary>
    public EntryId Hint { get; set; }

    /// <summary>The round of the message this answers; 0 when that was of an earlier term.</summary>
    public ulong Round { get; set; }

    /// <inheritdoc/>
    public override string ToString() => Accepted
        ? $"AppendEntriesReply {From}→{To} term {Term} accepted, durable to {Index} round {Round}"
        : $"AppendEntriesReply {From}→{To} term {Term} refused {Index} hint {Hint} round {Round}";
}
