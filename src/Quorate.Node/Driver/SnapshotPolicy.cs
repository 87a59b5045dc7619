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
