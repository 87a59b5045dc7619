using System.Globalization;
using System.Text;
using Quorate.Node.Wal;
using Quorate.Raft;

namespace Quorate.Node.Storage;

/// <summary>Stores which cluster and member a data directory belongs to: written at the first start, verified at every later one.</summary>
/// <remarks>
/// A member that starts with the data directory of another member has that member's votes instead of its own, and a member with another
/// member list than its peers may take a minority for a quorum. In both cases two leaders can be elected in one term. Format:
/// docs/formats/owner.md.
/// </remarks>
internal static class DataDirectoryOwner
{
    public const string Name = "owner";
    private const string FirstLine = "quorate folder 1";
    private const int BytesMax = 1 << 16;

    /// <summary>Writes the owner file, or verifies that the existing one matches.</summary>
    /// <exception cref="IOException">The data directory belongs to another member; the message names its owner.</exception>
    /// <exception cref="WalCorruptionException">The file is not as it was written.</exception>
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
            throw new IOException($"The data directory belongs to {OneLine(found)}; the options describe {OneLine(expected)}. " +
                "A member cannot use the log and votes of another, and a start with other members does not change the cluster: " +
                "start with the options the data directory was created with, or give a new member its own data directory.");

        // The process that created the file may have ended before it flushed the directory.
        storage.FlushDirectory();
    }

    private static string Describe(ulong clusterId, NodeId self, Configuration members) =>
        string.Create(
            CultureInfo.InvariantCulture, $"cluster {clusterId:x16}\nmember {self}\nmembers {string.Join(' ', members.Members)}\n");

    private static byte[] AppendChecksum(string description)
    {
        var body = $"{FirstLine}\n{description}";
        return Encoding.ASCII.GetBytes(
            string.Create(CultureInfo.InvariantCulture, $"{body}crc32c {Crc32C.Of(Encoding.ASCII.GetBytes(body)):x8}\n"));
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
        {
            throw new WalCorruptionException(
                Name, 0, "the owner of this data directory", "the file is not as it was written",
                "It is written to a temporary file and flushed before it is renamed, so no crash leaves this.");
        }

        return text[first..last];
    }

    private static string OneLine(string description) => description.TrimEnd('\n').Replace("\n", ", ", StringComparison.Ordinal);
}
