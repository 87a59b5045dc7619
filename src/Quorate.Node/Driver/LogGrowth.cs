using Quorate.Raft;

namespace Quorate.Node.Driver;

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
