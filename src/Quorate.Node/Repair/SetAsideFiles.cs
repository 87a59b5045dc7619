using Quorate.Node.Storage;

namespace Quorate.Node.Repair;

/// <summary>
/// The files of a data directory that a repair has replaced: kept under another name until the member has its entries again.
/// </summary>
internal static class SetAsideFiles
{
    /// <summary>What the name of such a file begins with; its former name follows.</summary>
    public const string Prefix = "damaged-";

    /// <summary>The names of the files that were set aside.</summary>
    public static IEnumerable<string> In(IStorage storage) =>
        storage.List().Where(static name => name.StartsWith(Prefix, StringComparison.Ordinal));

    /// <summary>Sets a file aside; a file that an earlier repair has set aside under this name is replaced.</summary>
    public static void Add(IStorage storage, string name) => storage.Rename(name, Prefix + name);

    /// <summary>Deletes the files that were set aside.</summary>
    /// <exception cref="IOException">A file cannot be deleted.</exception>
    public static void Delete(IStorage storage)
    {
        foreach (var name in In(storage).ToArray())
            storage.Delete(name);
    }
}
