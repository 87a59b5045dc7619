using System.Globalization;
using System.Runtime.InteropServices;
using Quorate.Node.Snapshots;
using Quorate.Node.Versions;
using Quorate.Node.Wal;
using Quorate.Raft;

namespace Quorate.Node.Driver;

/// <summary>
/// Restores a node from its disk at startup: the state machine from the newest snapshot and the committed entries behind it, and the state
/// from which the core starts.
/// </summary>
/// <remarks>
/// <code>
///   snapshot and log                                                   then
///   the log contains the snapshot's last entry, or begins behind it    both are used
///   the log ends before it, or has another entry at its index          the log is replaced by the snapshot: a crash came between the two
///   the log begins later                                               a file is missing or corrupt: the member cannot start
/// </code>
/// </remarks>
internal sealed class StartupRecovery(
    WriteAheadLog log, SnapshotStore snapshots, IApplier applier, LogGrowth growth, WalOptions options, Configuration configuration,
    ClusterFeatures features, CancellationToken cancellationToken)
{
    private const int ChunkBytesMax = 64 << 10;
    private readonly List<ConfigurationAt> _configurations = [];

    /// <summary>Restores the state machine, and returns the state from which the core starts.</summary>
    /// <exception cref="IOException">The snapshot that the log continues is missing or corrupt.</exception>
    /// <exception cref="OperationCanceledException">The start was cancelled; the data on disk is unchanged.</exception>
    public DurableState Run(RecoveredLog recovered)
    {
        var snapshot = snapshots.Newest;
        VerifyContinuity(recovered, snapshot);
        if (snapshot is not null)
            RestoreStateMachine(snapshot);

        var last = snapshot?.Last ?? EntryId.Zero;
        var hardState = recovered.HardState;
        var isReplaced = snapshot is not null && !Continues(recovered, last);
        if (isReplaced)
            hardState = ReplaceLog(hardState, last);
        var (firstIndex, lastIndex) = (log.FirstIndex, log.LastIndex);
        var commit = LogIndex.Max(recovered.CommitMark, last.Index);
        ReplayCommitted(last.Index + 1, commit);
        var tail = ReadTail(LogIndex.Max(commit + 1, firstIndex), lastIndex);

        var termStarts = isReplaced ? [] : recovered.TermStarts;
        return new DurableState
        {
            HardState = hardState,
            Configuration = snapshot?.Configuration ?? configuration,
            ConfigurationIndex = snapshot?.ConfigurationIndex ?? LogIndex.Zero,
            Configurations = _configurations,
            Snapshot = last,
            Compacted = CompactedBefore(firstIndex, last, termStarts),
            TermStarts = [.. termStarts.Where(start => start.Index <= commit)],
            Commit = commit,
            Tail = tail,
            Last = lastIndex < firstIndex ? last : new EntryId(recovered.LastTerm, lastIndex),
        };
    }

    /// <summary>Whether the log contains the last entry of the snapshot, or begins behind it.</summary>
    private static bool Continues(RecoveredLog recovered, EntryId last) =>
        recovered.FirstIndex == last.Index + 1
        || (recovered.FirstIndex <= last.Index && last.Index <= recovered.LastIndex && recovered.TermOf(last.Index) == last.Term);

    private void VerifyContinuity(RecoveredLog recovered, SnapshotInfo? snapshot)
    {
        var covered = snapshot?.Last.Index ?? LogIndex.Zero;
        if (recovered.FirstIndex <= covered + 1)
            return;
        if (snapshots.Corruptions is [.., var corruption])
            throw new SnapshotCorruptionException(corruption.Message, corruption);
        throw new SnapshotCorruptionException(string.Create(CultureInfo.InvariantCulture,
            $"""
            The write-ahead log begins with entry {recovered.FirstIndex}, and no snapshot in the data directory covers the entries before it
            {(snapshot is null ? "(there is none)." : $"(the newest, {snapshot.Name}, ends with entry {snapshot.Last.Index}).")}
            A file of the data directory is missing. If it was moved away, put it back; else this member's data is lost.
            """));
    }

    private void RestoreStateMachine(SnapshotInfo snapshot)
    {
        features.Record(snapshot.ClusterVersion);
        using var content = snapshots.OpenContent(snapshot, cancellationToken);
        applier.Restore(snapshot.Last, content);
    }

    /// <summary>
    /// Replaces the log by a snapshot that was received: the process ended after the snapshot was durable and before the log was replaced.
    /// The term of the snapshot may not have been saved either; no vote was given in it.
    /// </summary>
    private HardState ReplaceLog(HardState hardState, EntryId last)
    {
        var batch = new WalBatch(options);
        if (last.Term > hardState.Term)
        {
            hardState = hardState.InTerm(last.Term);
            batch.SetHardState(hardState);
        }

        batch.ResetTo(last.Index + 1);
        log.AppendAndFlush(batch);
        return hardState;
    }

    private void ReplayCommitted(LogIndex next, LogIndex commit)
    {
        var entries = new List<LogEntry>();
        while (next <= commit)
        {
            cancellationToken.ThrowIfCancellationRequested();
            entries.Clear();
            Read(next, commit, entries);
            Invariant.That(entries.Count > 0, "an entry within the bounds of the log can be read");
            OnRead(entries);
            applier.Replay(CollectionsMarshal.AsSpan(entries));
            next = entries[^1].Index + 1;
        }
    }

    private List<LogEntry> ReadTail(LogIndex next, LogIndex last)
    {
        var tail = new List<LogEntry>();
        while (next <= last)
        {
            var before = tail.Count;
            Read(next, last, tail);
            Invariant.That(tail.Count > before, "an entry within the bounds of the log can be read");
            next = tail[^1].Index + 1;
        }

        OnRead(tail);
        return tail;
    }

    private void OnRead(List<LogEntry> entries)
    {
        growth.OnAppended(CollectionsMarshal.AsSpan(entries));
        foreach (ref readonly var entry in CollectionsMarshal.AsSpan(entries))
        {
            if (entry.Kind == EntryKind.Configuration)
                _configurations.Add(new ConfigurationAt(entry.Index, ConfigurationCodec.Decode(entry)));
        }
    }

    /// <summary>
    /// Reads entries that were verified when the log was opened, a moment ago. What cannot be read now is no ground for a repair: the state
    /// machine has applied a part of the log, and cannot begin again.
    /// </summary>
    private void Read(LogIndex from, LogIndex to, List<LogEntry> target)
    {
        try
        {
            log.Read(from, to, ChunkBytesMax, target);
        }
        catch (WalCorruptionException corruption)
        {
            throw new IOException($"{corruption.Message} The entries could be read a moment before: start the member again.", corruption);
        }
    }

    /// <summary>
    /// Returns the last entry that counts as compacted. The log on the disk does not hold the term of the entry before its first one, so
    /// when entries before the snapshot were kept, the first of them only contributes its term.
    /// </summary>
    private static EntryId CompactedBefore(LogIndex first, EntryId snapshot, IReadOnlyList<EntryId> termStarts)
    {
        if (first == new LogIndex(1))
            return EntryId.Zero;
        return first > snapshot.Index ? snapshot : termStarts[0] with { Index = first };
    }
}
