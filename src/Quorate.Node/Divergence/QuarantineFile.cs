using System.Globalization;
using System.Text;
using Quorate.Node.Storage;
using Quorate.Node.Wal;
using Quorate.Raft;

namespace Quorate.Node.Divergence;

/// <summary>The marker of a quarantined member in its data directory.</summary>
/// <remarks><code>
///   quorate quarantine 1
///   entry 8192                  the entry after which the state was found to be wrong
///   reason …                    what was found, to the end of the line
///   crc32c 1b2c3d4e             over all bytes before this line
/// </code>
/// Lines end with a line feed. Encoding: UTF-8. The file exists exactly while the member is quarantined; one that cannot be read
/// quarantines it too. A change bumps the version, docs/formats/quarantine.md and the golden file together.
/// </remarks>
internal static class QuarantineFile
{
    public const string Name = "quarantine";
    private const string FirstLine = "quorate quarantine 1";
    private const string EntryName = "entry ";
    private const string ReasonName = "reason ";
    private const int BytesMax = 1 << 16;

    /// <summary>Reads the marker of a data directory; null: the member is not quarantined.</summary>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static Quarantine? Read(IStorage storage)
    {
        if (!storage.List().Contains(Name, StringComparer.Ordinal))
            return null;
        using var file = storage.Open(Name);
        var bytes = new byte[Math.Min(file.Length, BytesMax)];
        file.ReadExactly(0, bytes);
        return Decode(bytes);
    }

    /// <summary>Writes the marker.</summary>
    /// <remarks>Durability: on disk when this returns.</remarks>
    /// <exception cref="IOException">There is no space, or access is denied.</exception>
    public static void Write(IStorage storage, Quarantine quarantine) => AtomicFile.Replace(storage, Name, Encode(quarantine));

    public static byte[] Encode(Quarantine quarantine)
    {
        var reason = quarantine.Reason.ReplaceLineEndings(" ");
        var body = Encoding.UTF8.GetBytes(string.Create(
            CultureInfo.InvariantCulture, $"{FirstLine}\n{EntryName}{quarantine.Entry}\n{ReasonName}{reason}\n"));
        return [.. body, .. ChecksumLine(body)];
    }

    public static Quarantine Decode(ReadOnlySpan<byte> bytes)
    {
        var end = bytes.Length - ChecksumLine([]).Length;
        if (end >= 0 && bytes[end..].SequenceEqual(ChecksumLine(bytes[..end]))
            && Encoding.UTF8.GetString(bytes[..end]).Split('\n') is [FirstLine, var entry, var reason, ""]
            && entry.StartsWith(EntryName, StringComparison.Ordinal) && reason.StartsWith(ReasonName, StringComparison.Ordinal)
            && ulong.TryParse(entry.AsSpan(EntryName.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var index))
            return new Quarantine { Entry = new LogIndex(index), Reason = reason[ReasonName.Length..] };
        return new Quarantine
        {
            Entry = LogIndex.Zero,
            Reason = $"The data directory has a file {Name}, and its content is not what this build writes.",
        };
    }

    private static byte[] ChecksumLine(ReadOnlySpan<byte> body) =>
        Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"crc32c {Crc32C.Of(body):x8}\n"));
}
