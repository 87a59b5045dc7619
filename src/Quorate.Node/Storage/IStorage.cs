namespace Quorate.Node.Storage;

/// <summary>The storage of a node: one flat directory of files.</summary>
/// <remarks>
/// <see cref="FileStorage"/> keeps real files; the simulator tears, loses and corrupts unflushed writes; an embedder may give a node
/// another one (<see cref="RaftNodeOptions.StorageFactory"/>). <c>StorageConformance</c> in Quorate.Verification checks an implementation.
/// Ownership: the node disposes the storage when it stops, if it is <see cref="IDisposable"/>. While it is open, opening the same
/// directory again must fail: two nodes would overwrite each other's log.
/// Durability: a change of content is durable after <see cref="IStorageFile.Flush"/>, a change of names after
/// <see cref="FlushDirectory"/>, and neither before. A power loss leaves each unflushed sector of 512 bytes with its old or its new
/// content, each unflushed name in its old or its new state, and changes nothing that was flushed. A process that ends changes nothing.
/// Threading: any thread; for each file, one caller at a time. (The log creates its next segment, and the network records a peer, on
/// another thread than the one that writes to the current segment.)
/// Errors: <see cref="IOException"/>, and no other type, when an operator can fix the cause and retry (no space, no permission, a missing
/// file): the call has changed nothing that was flushed before, and the node may make it again. <see cref="DiskFlushException"/> when a
/// flush failed: from then on, nothing that was not flushed before can be relied on, and the node stops.
/// </remarks>
public interface IStorage
{
    /// <summary>Returns the names of the files in the directory, in ordinal order.</summary>
    IReadOnlyList<string> List();

    /// <summary>Opens an existing file.</summary>
    /// <exception cref="IOException">The file does not exist or cannot be opened.</exception>
    IStorageFile Open(string name);

    /// <summary>Creates a file of <paramref name="length"/> zero bytes, with its space allocated where the system supports it.</summary>
    /// <remarks>Durability: none, neither of the content nor of the name. Flush the file, then the directory.</remarks>
    /// <exception cref="IOException">The name exists, or no space is left. The directory is unchanged.</exception>
    IStorageFile Create(string name, long length);

    /// <summary>Renames a file, and replaces a file that has the new name.</summary>
    /// <remarks>
    /// Atomic: after a power loss, <paramref name="to"/> is the old or the new file. Durability: after <see cref="FlushDirectory"/>. The
    /// node closes both files before.
    /// </remarks>
    /// <exception cref="IOException">The file does not exist, or cannot be renamed. Both names are unchanged.</exception>
    void Rename(string from, string to);

    /// <summary>Deletes a file.</summary>
    /// <remarks>Durability: after <see cref="FlushDirectory"/>. The node deletes only files that exist, and closes them before.</remarks>
    /// <exception cref="IOException">The file cannot be deleted.</exception>
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
    /// <exception cref="IOException">The disk cannot read the bytes; the node treats them as lost.</exception>
    int Read(long offset, Span<byte> target);

    /// <summary>Writes all bytes at an offset. The file grows if needed, with zeroes up to the offset.</summary>
    /// <remarks>Durability: after <see cref="Flush"/>. The node writes the log in whole sectors of 512 bytes.</remarks>
    /// <exception cref="IOException">The write failed; it may have been done in part. The node stops.</exception>
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
