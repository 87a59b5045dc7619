using System.Globalization;
using System.Text;
using Quorate.Node.Io;
using Quorate.Node.Wal;
using Quorate.Raft;

namespace Quorate.Node.Driver;

/// <summary>Whose votes and log a data folder holds: written at the first start, compared at every other.</summary>
/// <remarks>
/// A member that starts with the folder of another has cast that one's votes and not its own, and one that counts other members than its peers do takes for a
/// majority what is none: either way two leaders can be elected in one term. Format: docs/formats/owner.md.
/// </remarks>
internal static class DataDirectoryOwner
{
    public const string Name = "owner";
    private const string FirstLine = "quorate folder 1";
    private const int BytesMax = 1 << 16;

    /// <summary>Makes the folder this member's, or sees that it is.</summary>
    /// <exception cref="IOException">It belongs to another; the text says to whom.</exception>
    /// <exception cref="WalCorruptionException">It is not what was written.</exception>
    public static void Verify(IStorage storage, ulong clusterId, NodeId self, Configuration members)
    {
        AtomicFile.RemoveUnfinished(storage, Name);
        var expected = Describe(clusterId, self, members);
        if (!storage.List().Contains(Name, StringComparer.Ordinal))
        {
            AtomicFile.Replace(storage, Name, AppendChecksum(expected));
            return;
        }

        var found = Read(storage);
        if (found != expected)
            throw new IOException($"The data folder belongs to {OneLine(found)}; the options say {OneLine(expected)}. " +
                "Votes and log of one member are nobody else's, and the members of a cluster cannot be changed by starting them with others: " +
                "start with what the folder was made with, or give a new member a folder of its own.");

        // Whoever gave it its name may not have lived to flush the folder.
        storage.FlushDirectory();
    }

    private static string Describe(ulong clusterId, NodeId self, Configuration members) =>
        string.Create(CultureInfo.InvariantCulture, $"cluster {clusterId:x16}\nmember {self}\nmembers {string.Join(' ', members.Members)}\n");

    private static byte[] AppendChecksum(string description)
    {
        var body = $"{FirstLine}\n{description}";
        return Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{body}crc32c {Crc32C.Of(Encoding.ASCII.GetBytes(body)):x8}\n"));
    }

    private static string Read(IStorage storage)
    {
        using var file = storage.Open(Name);
        var bytes = new byte[Math.Min(file.Length, BytesMax)];
        file.ReadExactly(0, bytes);

        var text = Encoding.ASCII.GetString(bytes);
        var first = text.IndexOf('\n', StringComparison.Ordinal) + 1;
        var last = text.LastIndexOf("crc32c ", StringComparison.Ordinal);
        if (first == 0 || last < first || !bytes.AsSpan().SequenceEqual(AppendChecksum(text[first..last])))
            throw new WalCorruptionException(Name, 0, "whose folder this is", "it is not what was written", "It is written aside and flushed before it gets its name, so no crash leaves this.");
        return text[first..last];
    }

    private static string OneLine(string description) => description.TrimEnd('\n').Replace("\n", ", ", StringComparison.Ordinal);
}
