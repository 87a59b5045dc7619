using System.Runtime.InteropServices;
using Quorate.Node.Wal;
using Quorate.Raft;

namespace Quorate.Node.Driver;

/// <summary>Brings a node back from its disk: applies what was committed, and hands the core the rest.</summary>
internal static class StartupRecovery
{
    private const int ChunkBytesMax = 64 << 10;

    public delegate void Replayer(ReadOnlySpan<LogEntry> committed);

    /// <summary>Feeds the committed entries to <paramref name="replay"/>, a chunk at a time, and gives what the core starts from.</summary>
    /// <exception cref="OperationCanceledException">The caller gave up; what is on the disk is as it was.</exception>
    public static DurableState Run(WriteAheadLog log, RecoveredLog recovered, Configuration configuration, Replayer replay, CancellationToken cancellationToken)
    {
        var entries = new List<LogEntry>();
        var next = recovered.FirstIndex;
        while (next <= recovered.CommitMark)
        {
            cancellationToken.ThrowIfCancellationRequested();
            entries.Clear();
            log.Read(next, recovered.CommitMark, ChunkBytesMax, entries);
            Invariant.That(entries.Count > 0, "an entry the log says it holds can be read");
            replay(CollectionsMarshal.AsSpan(entries));
            next = entries[^1].Index + 1;
        }

        var tail = new List<LogEntry>();
        while (next <= recovered.LastIndex)
        {
            var before = tail.Count;
            log.Read(next, recovered.LastIndex, ChunkBytesMax, tail);
            Invariant.That(tail.Count > before, "an entry the log says it holds can be read");
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
