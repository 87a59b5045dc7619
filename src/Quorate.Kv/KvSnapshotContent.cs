#pragma warning disable RS0030 // A Stream is where the state machine's interface reads a snapshot; the caller decides what is behind it.

using Quorate.Kv.Snapshots;

namespace Quorate.Kv;

/// <summary>Reads and converts the bytes of a snapshot of the store without restoring it.</summary>
/// <remarks>
/// Shape: docs/formats/kv-snapshot.md. Memory: two buffers of 64 KiB and one value, whatever the size of the snapshot.
/// Errors: <see cref="KvSnapshotFormatException"/> for bytes that are no complete snapshot that this build reads; what a stream throws
/// passes.
/// </remarks>
public static class KvSnapshotContent
{
    /// <summary>Reads and verifies a whole snapshot.</summary>
    /// <param name="source">The snapshot, up to its end.</param>
    /// <exception cref="KvSnapshotFormatException">The bytes are no complete snapshot that this build reads.</exception>
    public static KvSnapshotSummary ReadSummary(Stream source)
    {
        ArgumentNullException.ThrowIfNull(source);
        return SnapshotDecoder.ReadSummary(source);
    }

    /// <summary>Copies a snapshot, with a higher newest revision up to which the history is compacted.</summary>
    /// <param name="source">The snapshot, up to its end.</param>
    /// <param name="destination">Receives the converted snapshot.</param>
    /// <param name="bump">How much to add to the newest revision; 1 or more.</param>
    /// <remarks>
    /// The keys keep their revisions. A watcher or a reader that continues at any revision up to the new one is notified that it was
    /// compacted, also if the store that the snapshot was taken of has gone on to that revision since.
    /// </remarks>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="bump"/> is less than 1, or too large for the revision.</exception>
    /// <exception cref="KvSnapshotFormatException">The bytes are no complete snapshot that this build reads.</exception>
    public static void CopyWithBumpedRevision(Stream source, Stream destination, long bump)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(destination);
        ArgumentOutOfRangeException.ThrowIfLessThan(bump, 1);
        RevisionBump.Copy(source, destination, bump);
    }
}
