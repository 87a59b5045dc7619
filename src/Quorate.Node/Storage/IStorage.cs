namespace Quorate.Node.Storage;

/// <summary>The storage of a node: one flat directory of files.</summary>
/// <remarks>
/// Threading: any thread; for each file, one caller at a time. (The log creates its next segment on another thread than the one that writes
/// to the current segment.) Errors: <see cref="IOException"/> when an operator can fix the cause and retry (no space, no permission);
/// <see cref="DiskFlushException"/> when a flush failed: from then on, nothing that was not flushed before can be relied on.
/// Production uses real files; the simulator tears, loses and corrupts unflushed writes.
/// </remarks>
public interface IStorage
{
    /// <summary>Returns the names of the files in the directory, in ordinal order.</summary>
    IReadOnlyList<string> List();

    /// <summary>Opens an existing file.</summary>
    IStorageFile Open(string name);

    /// <summary>Creates a file of <paramref name="length"/> zero bytes, with its space allocated where the system supports it.</summary>
    /// <remarks>Durability: none, neither of the content nor of the name. Flush the file, then the directory.</remarks>
    IStorageFile Create(string name, long length);

    /// <summary>Renames a file, and replaces a file that has the new name.</summary>
    /// <remarks>Durability: after <see cref="FlushDirectory"/>.</remarks>
    void Rename(string from, string to);

    /// <summary>Deletes a file.</summary>
    /// <remarks>Durability: after <see cref="FlushDirectory"/>.</remarks>
    void Delete(string name);

    /// <summary>Makes created, renamed and deleted names durable.</summary>
    /// <exception cref="DiskFlushException">The flush failed.</exception>
    void FlushDirectory();
}

/// <summary>An open file of an <see cref="IStorage"/>.</summary>
public interface IStorageFile : IDisposable
{
    /// <summary>The name of the file in the directory.</summary>
    string Name { get; }

    /// <summary>The length of the file, bytes.</summary>
    long Length { get; }

    /// <summary>Reads at an offset. Returns fewer bytes than requested only at the end of the file.</summary>
    /// <returns>The number of bytes read.</returns>
    int Read(long offset, Span<byte> target);

    /// <summary>Writes all bytes at an offset. The file grows if needed.</summary>
    /// <remarks>Durability: after <see cref="Flush"/>.</remarks>
    void Write(long offset, ReadOnlySpan<byte> source);

    /// <summary>Truncates the file, or extends it with zeroes.</summary>
    void SetLength(long length);

    /// <summary>Makes everything written so far durable.</summary>
    /// <exception cref="DiskFlushException">
    /// The flush failed. It is never retried: Linux reports a lost write once, then marks the pages clean (fsyncgate, 2018).
    /// </exception>
    void Flush();

    /// <summary>
    /// Advises the system to evict the flushed pages of the file from the page cache, because they will hardly be read again. A hint; the
    /// default does nothing.
    /// </summary>
    void EvictFromPageCache()
    {
    }
}

/// <summary>A flush failed: everything written since the last successful flush may be lost, and another flush could hide that.</summary>
public sealed class DiskFlushException : IOException
{
    /// <summary>Creates the exception.</summary>
    public DiskFlushException(string message)
        : base(message)
    {
    }

    /// <summary>Creates the exception.</summary>
    public DiskFlushException()
    {
    }

    /// <summary>Creates the exception.</summary>
    public DiskFlushException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
