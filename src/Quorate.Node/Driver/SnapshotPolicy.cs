using Quorate.Raft;

namespace Quorate.Node.Driver;

/// <summary>When a group takes snapshots, how much of the log it keeps, and how fast it receives the snapshot of another member.</summary>
internal sealed record SnapshotPolicy
{
    /// <summary>A snapshot is due when the log has grown by this many bytes since the last one.</summary>
    public long LogBytes { get; init; } = 64L << 20;

    /// <summary>A snapshot is due when the log has grown by this many entries since the last one.</summary>
    public long LogEntries { get; init; } = 100_000;

    /// <summary>
    /// But not before the log has grown by the size of the last snapshot divided by this: a large state would otherwise be written again
    /// for every small part of it that changes.
    /// </summary>
    public int SizeDivisor { get; init; } = 4;

    /// <summary>The most bytes of entries before the snapshot that stay in the log, for followers that are slightly behind.</summary>
    public long TailBytes { get; init; } = 16L << 20;

    /// <summary>The most entries before the snapshot that stay in the log.</summary>
    public long TailEntries { get; init; } = 10_000;

    /// <summary>The bytes of a snapshot that may be in flight to this member.</summary>
    /// <remarks>
    /// They share the connection with the messages of the protocol: a heartbeat waits behind at most this much. Too small: slow over
    /// long distances, where one window takes a round trip.
    /// </remarks>
    public int WindowBytes { get; init; } = 512 << 10;

    /// <summary>The bytes of a snapshot that one message carries; at most <see cref="FetchSnapshotReply.MaxBytes"/>.</summary>
    public int PartBytes { get; init; } = FetchSnapshotReply.MaxBytes;

    /// <summary>The bytes of a snapshot that this member requests per second; 0: no limit.</summary>
    public long BytesPerSecond { get; init; }

    /// <summary>Returns whether a snapshot is due.</summary>
    /// <param name="bytes">The bytes by which the log has grown since the last snapshot.</param>
    /// <param name="entries">The entries that were applied since the last snapshot.</param>
    /// <param name="snapshotBytes">The size of the last snapshot; 0 when there is none.</param>
    public bool IsDue(long bytes, long entries, long snapshotBytes) =>
        entries > 0 && (bytes >= LogBytes || entries >= LogEntries) && bytes >= snapshotBytes / SizeDivisor;
}

/// <summary>Measures how the log grows, to decide how much of it precedes a snapshot.</summary>
/// <remarks>Shape: marks at ascending indexes and sizes, about sixteen for each <see cref="SnapshotPolicy.TailBytes"/>.</remarks>
internal sealed class LogGrowth(SnapshotPolicy policy)
{
    private readonly List<(LogIndex Index, long Bytes)> _marks = [];
    private long _bytes;
    private long _bytesAtSnapshot;

    /// <summary>The bytes by which the log has grown since the last snapshot.</summary>
    public long SinceSnapshot => _bytes - _bytesAtSnapshot;

    /// <summary>Records entries that are appended to the log.</summary>
    public void OnAppended(ReadOnlySpan<LogEntry> entries)
    {
        if (entries.IsEmpty)
            return;
        while (_marks.Count > 0 && _marks[^1].Index >= entries[0].Index)
            _marks.RemoveAt(_marks.Count - 1);
        foreach (ref readonly var entry in entries)
        {
            _bytes += entry.SizeBytes;
            if (_marks.Count == 0 || _bytes - _marks[^1].Bytes >= policy.TailBytes / 16)
                _marks.Add((entry.Index, _bytes));
        }
    }

    /// <summary>Records that the state machine was captured for a snapshot.</summary>
    public void OnSnapshot() => _bytesAtSnapshot = _bytes;

    /// <summary>Records that a snapshot has replaced the log.</summary>
    public void OnReset()
    {
        _marks.Clear();
        _bytesAtSnapshot = _bytes;
    }

    /// <summary>Returns the last entry that need not stay in the log when a snapshot up to <paramref name="last"/> is durable.</summary>
    public LogIndex CompactTo(LogIndex last)
    {
        var byEntries = last.Value > (ulong)policy.TailEntries ? new LogIndex(last.Value - (ulong)policy.TailEntries) : LogIndex.Zero;
        var at = _marks.FindLastIndex(mark => mark.Index <= last);
        if (at < 0)
            return byEntries;
        var limit = _marks[at].Bytes - policy.TailBytes;
        var byBytes = _marks.FindLastIndex(mark => mark.Bytes <= limit);
        var result = byBytes < 0 ? byEntries : LogIndex.Max(byEntries, _marks[byBytes].Index);
        if (byBytes > 0)
            _marks.RemoveRange(0, byBytes);
        return result;
    }
}
