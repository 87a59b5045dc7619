namespace Quorate.Node.Io;

/// <summary>One folder of files: all of the disk that a node sees.</summary>
/// <remarks>
/// Threading: any thread; of one file, one caller at a time. (The log makes its next segment beside the one in use.) Errors: <see cref="IOException"/> for what may be tried again by a person (no space, no right);
/// <see cref="DiskFlushException"/> when a flush failed, after which nothing that was not flushed before can be relied on.
/// Production reads and writes real files; the simulator tears, loses and damages what was not flushed.
/// </remarks>
public interface IStorage
{
    /// <summary>The names of the files in the folder, in ordinal order.</summary>
    IReadOnlyList<string> List();

    /// <summary>Opens a file that exists.</summary>
    IStorageFile Open(string name);

    /// <summary>Makes a new file of <paramref name="length"/> zero bytes, with its space allocated where the system can.</summary>
    /// <remarks>Durability: none; neither content nor name. Flush the file, then the folder.</remarks>
    IStorageFile Create(string name, long length);

    /// <summary>Gives a file another name; a file of that name is replaced.</summary>
    /// <remarks>Durability: after <see cref="FlushDirectory"/>.</remarks>
    void Rename(string from, string to);

    /// <summary>Removes a file.</summary>
    /// <remarks>Durability: after <see cref="FlushDirectory"/>.</remarks>
    void Delete(string name);

    /// <summary>Makes created, renamed and deleted names durable.</summary>
    /// <exception cref="DiskFlushException">The flush failed.</exception>
    void FlushDirectory();
}

/// <summary>One open file.</summary>
public interface IStorageFile : IDisposable
{
    /// <summary>Its name in the folder.</summary>
    string Name { get; }

    /// <summary>Its length, bytes.</summary>
    long Length { get; }

    /// <summary>Reads at a place; fewer bytes than asked for only at the end of the file.</summary>
    /// <returns>How many bytes were read.</returns>
    int Read(long offset, Span<byte> target);

    /// <summary>Writes at a place, all of it. The file grows where needed.</summary>
    /// <remarks>Durability: after <see cref="Flush"/>.</remarks>
    void Write(long offset, ReadOnlySpan<byte> source);

    /// <summary>Cuts the file or lengthens it with zeroes.</summary>
    void SetLength(long length);

    /// <summary>Everything written so far is on the disk when this returns.</summary>
    /// <exception cref="DiskFlushException">
    /// The flush failed. It is never tried again: Linux reports a lost write once, then marks the pages clean (fsyncgate, 2018).
    /// </exception>
    void Flush();

    /// <summary>What was flushed will hardly be read: the system need not keep it in memory. A hint; without one, nothing happens.</summary>
    void EvictFromPageCache()
    {
    }
}

/// <summary>A flush failed: what was written since the last good one may be lost, and asking again would hide it.</summary>
public sealed class DiskFlushException : IOException
{
    /// <summary>Makes the exception.</summary>
    public DiskFlushException(string message)
        : base(message)
    {
    }

    /// <summary>Makes the exception.</summary>
    public DiskFlushException()
    {
    }

    /// <summary>Makes the exception.</summary>
    public DiskFlushException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
