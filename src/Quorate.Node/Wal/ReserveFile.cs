using Quorate.Node.Storage;

namespace Quorate.Node.Wal;

/// <summary>
/// A file that holds space in reserve, enough for one segment. It is deleted when the disk is full, so that the log can go on while data is
/// deleted and compacted, and is created again when there is space.
/// </summary>
/// <remarks>
/// The content has no meaning. Durability: on disk when it was created; a power loss may bring a deleted reserve back. Threading: the disk
/// thread.
/// </remarks>
internal sealed class ReserveFile(IStorage storage, long bytes)
{
    public const string Name = "reserve";

    /// <summary>Creates the file unless it is there. Returns false, with the reason, if there is no space for it.</summary>
    /// <exception cref="DiskFlushException">A flush failed.</exception>
    public bool TryCreate(out IOException? failure)
    {
        failure = null;
        try
        {
            if (IsThere())
            {
                using var file = storage.Open(Name);
                if (file.Length == bytes)
                    return true;
            }

            // Of another size: a start with another segment size.
            TryRelease();
            using (var created = storage.Create(Name, bytes))
                created.Flush();
            storage.FlushDirectory();
            return true;
        }
        catch (IOException e) when (e is not DiskFlushException)
        {
            failure = e;
            return false;
        }
    }

    /// <summary>Deletes the file. Returns false if it is not there.</summary>
    /// <exception cref="IOException">The file cannot be deleted.</exception>
    public bool TryRelease()
    {
        if (!IsThere())
            return false;
        storage.Delete(Name);
        return true;
    }

    private bool IsThere() => storage.List().Contains(Name, StringComparer.Ordinal);
}
