namespace Quorate.Node.Storage;

/// <summary>
/// Writes small files atomically: after a power loss at any moment, the old or the new file is there in full. The content is written to a
/// temporary file, flushed, and then renamed.
/// </summary>
public static class AtomicFile
{
    /// <summary>Creates or replaces a file.</summary>
    /// <remarks>
    /// Durability: content and name are durable when this returns. When it throws, the file is in its old or its new state.
    /// </remarks>
    /// <exception cref="IOException">No space is left, or access is denied.</exception>
    /// <exception cref="DiskFlushException">A flush failed: it is unknown whether the old or the new file is on disk.</exception>
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

    /// <summary>Deletes the temporary file that a crash or a full disk left behind.</summary>
    internal static void RemoveUnfinished(IStorage storage, string name)
    {
        if (storage.List().Contains(TemporaryName(name), StringComparer.Ordinal))
            storage.Delete(TemporaryName(name));
    }

    /// <summary>The name of the file while it is written.</summary>
    internal static string TemporaryName(string name) => name + ".new";
}
