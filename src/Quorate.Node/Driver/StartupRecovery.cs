using System.Runtime.InteropServices;
using Quorate.Node.Wal;
using Quorate.Raft;

namespace Quorate.Node.Driver;

/// <summary>
/// Restores a node from its log at startup: applies the committed entries and returns the state from which the core starts.
/// </summary>
internal static class StartupRecovery
{
    private const int ChunkBytesMax = 64 << 10;

    public delegate void Replayer(ReadOnlySpan<LogEntry> committed);

    /// <summary>
    /// Passes the committed entries to <paramref name="replay"/>, a chunk at a time, and returns the state from which the core starts.
    /// </summary>
    /// <exception cref="OperationCanceledException">The start was cancelled; the data on disk is unchanged.</exception>
    public static DurableState Run(
        WriteAheadLog log, RecoveredLog recovered, Configuration configuration, Replayer replay, CancellationToken cancellationToken)
    {
        var entries = new List<LogEntry>();
        var next = recovered.FirstIndex;
        while (next <= recovered.CommitMark)
        {
            cancellationToken.ThrowIfCancellationRequested();
            entries.Clear();
            log.Read(next, recovered.CommitMark, ChunkBytesMax, entries);
            Invariant.That(entries.Count > 0, "an entry within the bounds of the log can be read");
            replay(CollectionsMarshal.AsSpan(entries));
            next = entries[^1].Index + 1;
        }

        var tail = new List<LogEntry>();
        while (next <= recovered.LastIndex)
        {
            var before = tail.Count;
            log.Read(next, recovered.LastIndex, ChunkBytesMax, tail);
            Invariant.That(tail.Count > before, "an entry within the bounds of the log can be read");
            next = tail[^1].Index + 1;
        }

        return new DurableState
        {
            HardState = recovered.HardState,
            Configuration = configuration,
            TermStarts = [.. recovered.TermStarts.Where(start => start.Index <= recovered.CommitMark)],
            Commit = recovered.CommitMark,
            Tail = tail,
            Last = recovered.IsEmpty ? EntryId.Zero : new EntryId(recovered.LastTerm, recovered.LastIndex),
        };
    }
}
