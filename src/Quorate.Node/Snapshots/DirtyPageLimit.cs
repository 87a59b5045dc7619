using Quorate.Node.Storage;

namespace Quorate.Node.Snapshots;

/// <summary>Flushes a file that is being written every few chunks, and evicts its pages from the page cache.</summary>
/// <remarks>
/// Without it, the system would collect hundreds of megabytes in the page cache and write them all at once; a flush of the log, which is on
/// the same disk, would wait for them. <see cref="Wal.PreallocationThrottle"/> solves the same problem for the segments of the log.
/// </remarks>
internal sealed class DirtyPageLimit(IStorageFile file, int flushBytes)
{
    private long _dirtyBytes;

    /// <summary>Counts written bytes, and flushes the file when there are enough.</summary>
    /// <exception cref="DiskFlushException">The flush failed.</exception>
    public void OnWritten(int bytes)
    {
        _dirtyBytes += bytes;
        if (_dirtyBytes >= flushBytes)
            Flush();
    }

    /// <summary>Flushes the file.</summary>
    /// <remarks>Durability: everything written so far.</remarks>
    /// <exception cref="DiskFlushException">The flush failed.</exception>
    public void Flush()
    {
        file.Flush();
        file.EvictFromPageCache();
        _dirtyBytes = 0;
    }
}
