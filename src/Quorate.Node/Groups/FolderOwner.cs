using System.Globalization;
using System.Text;
using Quorate.Node.Io;
using Quorate.Node.Wal;
using Quorate.Raft;

namespace Quorate.Node.Groups;

/// <summary>Whose votes and log a data folder holds: written at the first start, compared at every other.</summary>
/// <remarks>
/// A member that starts with the folder of another has cast that one's votes and not its own, and one that counts other members than its peers do takes for a
/// majority what is none: either way two leaders can be elected in one term. Format: docs/formats/owner.md.
/// </remarks>
internal static class FolderOwner
{
    public const string Name = "owner";
    private const string FirstLine = "quorate folder 1";
    private const int BytesMax = 1 << 16;

    /// <summary>Makes the folder this member's, or sees that it is.</summary>
    /// <exception cref="IOException">It belongs to another; the text says to whom.</exception>
    /// <exception cref="WalDamageException">It is not what was written.</exception>
    public static void Claim(IDisk disk, ulong clusterId, NodeId self, Configuration members)
    {
        WholeFile.RemoveUnfinished(disk, Name);
        var ours = Describe(clusterId, self, members);
        if (!disk.List().Contains(Name, StringComparer.Ordinal))
        {
            WholeFile.Replace(disk, Name, Seal(ours));
            return;
        }

        var theirs = Read(disk);
        if (theirs != ours)
            throw new IOException($"The data folder belongs to {OneLine(theirs)}; the options say {OneLine(ours)}. " +
                "Votes and log of one member are nobody else's, and the members of a cluster cannot be changed by starting them with others: " +
                "start with what the folder was made with, or give a new member a folder of its own.");

        // Whoever gave it its name may not have lived to flush the folder.
        disk.FlushFolder();
    }

    private static string Describe(ulong clusterId, NodeId self, Configuration members) =>
        string.Create(CultureInfo.InvariantCulture, $"cluster {clusterId:x16}\nmember {self}\nmembers {string.Join(' ', members.Members)}\n");

    private static byte[] Seal(string description)
    {
        var body = $"{FirstLine}\n{description}";
        return Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{body}crc32c {Crc32C.Of(Encoding.ASCII.GetBytes(body)):x8}\n"));
    }

    private static string Read(IDisk disk)
    {
        using var file = disk.Open(Name);
        var bytes = new byte[Math.Min(file.Length, BytesMax)];
        file.ReadWhole(0, bytes);

        var text = Encoding.ASCII.GetString(bytes);
        var first = text.IndexOf('\n', StringComparison.Ordinal) + 1;
        var last = text.LastIndexOf("crc32c ", StringComparison.Ordinal);
        if (first == 0 || last < first || !bytes.AsSpan().SequenceEqual(Seal(text[first..last])))
            throw new WalDamageException(Name, 0, "whose folder this is", "it is not what was written", "It is written aside and flushed before it gets its name, so no crash leaves this.");
        return text[first..last];
    }

    private static string OneLine(string description) => description.TrimEnd('\n').Replace("\n", ", ", StringComparison.Ordinal);
}
