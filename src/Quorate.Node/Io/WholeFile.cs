namespace Quorate.Node.Io;

/// <summary>Small files that are there whole or not at all, whenever the power is cut: written aside, flushed, and only then given their name.</summary>
public static class WholeFile
{
    /// <summary>Makes or replaces a file.</summary>
    /// <remarks>Durability: content and name are on the disk when this returns; when it throws, the file is as it was or as it was to be.</remarks>
    /// <exception cref="IOException">There is no room, or no right.</exception>
    /// <exception cref="DiskFlushException">A flush failed: nobody knows which of the two it is.</exception>
    public static void Replace(IDisk disk, string name, ReadOnlySpan<byte> bytes)
    {
        ArgumentNullException.ThrowIfNull(disk);
        RemoveUnfinished(disk, name);
        var aside = Aside(name);
        using (var file = disk.Create(aside, bytes.Length))
        {
            file.Write(0, bytes);
            file.Flush();
        }

        disk.Rename(aside, name);
        disk.FlushFolder();
    }

    /// <summary>Deletes what a crash, or a disk without room, left of one in the making.</summary>
    internal static void RemoveUnfinished(IDisk disk, string name)
    {
        if (disk.List().Contains(Aside(name), StringComparer.Ordinal))
            disk.Delete(Aside(name));
    }

    private static string Aside(string name) => name + ".new";
}
