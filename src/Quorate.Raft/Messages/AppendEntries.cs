namespace Quorate.Raft;

/// <summary>
/// AppendEntries request, leader to follower: the entries that follow <see cref="Previous"/>. Without entries it is a heartbeat.
/// </summary>
/// <remarks>
/// Shape: <see cref="Entries"/> is contiguous, begins at <c>Previous.Index + 1</c>, and its terms never decrease. Units: indexes count
/// entries from 1; payloads are bytes, bounded by <see cref="RaftOptions.MaxMessageBytes"/>. Errors: none; the receiver replies with
/// <see cref="AppendEntriesReply"/>. Source: paper Fig. 2, thesis §3.5.
/// </remarks>
public sealed class AppendEntries : Message
{
    /// <summary>The entry just before <see cref="Entries"/>. A follower that lacks it rejects the message.</summary>
    public EntryId Previous { get; set; }

    /// <summary>The entries, in order; empty for a heartbeat.</summary>
    public ReadOnlyMemory<LogEntry> Entries { get; set; }

    /// <summary>The leader's commit index when the message was sent.</summary>
    public LogIndex LeaderCommit { get; set; }

    /// <summary>The newest round in which the leader confirms that it still leads; the reply returns it. Source: thesis §6.4.</summary>
    public ulong Round { get; set; }

    /// <summary>
    /// True in a heartbeat to a follower that may need a snapshot: <see cref="Previous"/> is the last entry that the leader's log no longer
    /// holds. A follower that lacks it fetches a snapshot that covers it.
    /// </summary>
    public bool NeedsSnapshot { get; set; }

    /// <summary>
    /// Whether so many voters are short of space that no quorum remains of those that are not: the receiver accepts only commands that need
    /// no more space.
    /// </summary>
    public bool QuorumIsShortOfSpace { get; set; }

    /// <summary>
    /// The lease that the leader requests, in milliseconds; 0: none. A follower that grants it votes for no other candidate for so long.
    /// </summary>
    public uint LeaseMilliseconds { get; set; }

    /// <summary>The clock of the leader when it sent the message, if it requests a lease; the reply returns it.</summary>
    public ulong LeaseStamp { get; set; }

    /// <summary>The index of the last entry carried, or of <see cref="Previous"/> when there is none.</summary>
    public LogIndex LastIndex => Previous.Index + Entries.Length;

    internal override void Reset()
    {
        Entries = default;
        NeedsSnapshot = false;
        LeaseMilliseconds = 0;
        LeaseStamp = 0;
    }

    /// <inheritdoc/>
    public override string ToString() =>
        $"AppendEntries {From}→{To} term {Term} previous {Previous} entries {Entries.Length} commit {LeaderCommit} round {Round}"
        + (NeedsSnapshot ? " needs snapshot" : "") + (QuorumIsShortOfSpace ? " short of space" : "");
}

/// <summary>AppendEntries reply, follower to leader.</summary>
/// <remarks>
/// Durability: an accepting reply states what is on the follower's disk; it is sent only when the flush has completed. Source: paper Fig.
/// 2; for the hint, paper §5.3 "the protocol can be optimized".
/// </remarks>
public sealed class AppendEntriesReply : Message
{
    /// <summary>Whether the follower's log contains <see cref="AppendEntries.Previous"/>.</summary>
    public bool Accepted { get; set; }

    /// <summary>
    /// When accepted: the last index that is known to match the leader's log and is durable. When rejected: the index of
    /// <see cref="AppendEntries.Previous"/>, or 0 when the request was of an earlier term.
    /// </summary>
    public LogIndex Index { get; set; }

    /// <summary>When rejected: the follower's last entry at or before the rejected index whose term could match.</summary>
    public EntryId Hint { get; set; }

    /// <summary>The round of the request; 0 when the request was of an earlier term.</summary>
    public ulong Round { get; set; }

    /// <summary>The stamp of the request, if the follower grants the lease that it requests; 0: it grants none.</summary>
    public ulong LeaseStamp { get; set; }

    /// <summary>Whether the follower's disk is short of space, or full.</summary>
    public bool IsShortOfSpace { get; set; }

    /// <summary>Whether nothing can be written to the follower's disk at present: it is full, or completes no write.</summary>
    public bool CannotWrite { get; set; }

    /// <summary>Whether the follower has lost entries that it had acknowledged, so that it neither votes nor campaigns.</summary>
    public bool IsRepairing { get; set; }

    /// <inheritdoc/>
    public override string ToString() => Accepted
        ? $"AppendEntriesReply {From}→{To} term {Term} accepted, durable to {Index} round {Round}"
        : $"AppendEntriesReply {From}→{To} term {Term} refused {Index} hint {Hint} round {Round}";
}
