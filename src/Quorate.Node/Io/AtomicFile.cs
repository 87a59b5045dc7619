namespace Quorate.Node.Io;

/// <summary>Small files that are there whole or not at all, whenever the power is cut: written aside, flushed, and only then given their name.</summary>
public static class AtomicFile
{
    /// <summary>Makes or replaces a file.</summary>
    /// <remarks>Durability: content and name are on the disk when this returns; when it throws, the file is as it was or as it was to be.</remarks>
    /// <exception cref="IOException">There is no room, or no right.</exception>
    /// <exception cref="DiskFlushException">A flush failed: nobody knows which of the two it is.</exception>
    public static void Replace(IStorage storage, string name, ReadOnlySpan<byte> bytes)
    {
        ArgumentNullException.ThrowIfNull(storage);
        RemoveUnfinished(storage, name);
        var temporaryName = TemporaryName(name);
        using (var file = storage.Create(temporaryName, bytes.Length))
        {
            file.Write(0, bytes);
            file.Flush();
        }

        storage.Rename(temporaryName, name);
        storage.FlushDirectory();
    }

    /// <summary>Deletes what a crash, or a disk without room, left of one in the making.</summary>
    internal static void RemoveUnfinished(IStorage storage, string name)
    {
        if (storage.List().Contains(TemporaryName(name), StringComparer.Ordinal))
            storage.Delete(TemporaryName(name));
    }

    private static string TemporaryName(string name) => name + ".new";
}
