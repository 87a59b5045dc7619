using Quorate.Raft;

namespace Quorate.Kv;

/// <summary>What a snapshot of the store contains.</summary>
public sealed class KvSnapshotSummary
{
    internal KvSnapshotSummary()
    {
    }

    /// <summary>The CRC-32C over all bytes of the snapshot. Two stores that have applied the same commands have the same.</summary>
    public uint Checksum { get; internal init; }

    /// <summary>The last log entry whose effect the snapshot contains.</summary>
    public LogIndex AppliedIndex { get; internal init; }

    /// <summary>The newest revision.</summary>
    public long Revision { get; internal init; }

    /// <summary>The oldest revision that can be read; -1 before the first compaction.</summary>
    public long CompactRevision { get; internal init; }

    /// <summary>The number of existing keys.</summary>
    public long KeyCount { get; internal init; }

    /// <summary>The number of versions of keys, deletions too, that a compaction has not yet removed.</summary>
    public long VersionCount { get; internal init; }

    /// <summary>The number of leases.</summary>
    public long LeaseCount { get; internal init; }
}
