using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Quorate.Node.Versions;
using Quorate.Node.Wal;
using Quorate.Raft;

namespace Quorate.Node.Storage;

/// <summary>Encodes and decodes the identity file: text, so that an operator can see which member a directory belongs to.</summary>
/// <remarks><code>
///   quorate identity 2              the format version
///   cluster 000000000000c0de
///   member 1
///   members 1 2 3                   those the cluster was created with; "none" if the directory was created to join an existing cluster
///   version 0.2 57                  the version of the data directory, and the entry that set it; missing in format 1, which is 0.1
///   directory 5f1c2d3e4a5b6c7d      the id of this data directory
///   segment 2                       the newest log segment; 0: none yet
///   peer 2 00112233445566aa         one line for each known peer, in id order: its directory
///   voters 1 2 4                    those of the last configuration that was applied; no line before the first one
///   learners 5                      the same; no line if there are none
///   attribute name n1               one line for each attribute, in the order of the names
///   crc32c 1b2c3d4e                 over all bytes before this line
/// </code>
/// Ids are hexadecimal; version, entry and segment are decimal. Lines end with a line feed. Encoding: UTF-8. Any change here bumps the
/// version, docs/formats/identity.md and the golden file together. A directory of version 0.1 is written in format 1, which builds of that
/// version read; they refuse format 2.
/// </remarks>
internal static class IdentityFormat
{
    public const uint Version = 2;
    private const uint VersionWithoutClusterVersion = 1;
    private const string FirstLine = "quorate identity ";
    private const string ChecksumName = "crc32c ";
    private const string NoMembers = "none";
    private const int ChecksumLineBytes = 16;

    public static byte[] Encode(DataDirectoryIdentity identity)
    {
        var text = new StringBuilder();
        var isOldest = identity.Version == ClusterVersion.Oldest;
        text.Append(CultureInfo.InvariantCulture, $"{FirstLine}{(isOldest ? VersionWithoutClusterVersion : Version)}\n");
        text.Append(CultureInfo.InvariantCulture, $"{DescribeOwner(identity).Replace(", ", "\n", StringComparison.Ordinal)}\n");
        if (!isOldest)
            text.Append(CultureInfo.InvariantCulture, $"version {identity.Version} {identity.VersionIndex}\n");
        text.Append(CultureInfo.InvariantCulture, $"directory {identity.DirectoryId}\nsegment {identity.NewestSegment}\n");
        foreach (var (peer, directory) in identity.Peers)
            text.Append(CultureInfo.InvariantCulture, $"peer {peer} {directory}\n");
        AppendMembers(text, "voters", identity.Voters);
        AppendMembers(text, "learners", identity.Learners);
        foreach (var (name, value) in identity.Attributes.OrderBy(static a => a.Key, StringComparer.Ordinal))
            text.Append(CultureInfo.InvariantCulture, $"attribute {name} {value}\n");
        var body = Encoding.UTF8.GetBytes(text.ToString());
        return [.. body, .. ChecksumLine(body)];
    }

    /// <exception cref="WalCorruptionException">The bytes are not as they were written.</exception>
    /// <exception cref="IOException">The file has another format version.</exception>
    public static DataDirectoryIdentity Decode(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < ChecksumLineBytes || !bytes[^ChecksumLineBytes..].SequenceEqual(ChecksumLine(bytes[..^ChecksumLineBytes])))
            throw Corruption("its checksum is wrong");

        var lines = Encoding.UTF8.GetString(bytes[..^ChecksumLineBytes]).Split('\n');
        if (!lines[0].StartsWith(FirstLine, StringComparison.Ordinal) ||
            !uint.TryParse(lines[0].AsSpan(FirstLine.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var version))
            throw Corruption("it is not an identity file");
        FormatVersion.Verify(IdentityFile.Name, version, Version, firstReleased: 1);

        try
        {
            return Parse(lines, version);
        }
        catch (Exception e) when (e is FormatException or OverflowException or IndexOutOfRangeException or ArgumentException)
        {
            throw Corruption($"a line has another form than documented ({e.Message.TrimEnd('.')})");
        }
    }

    /// <summary>Describes the owner of a data directory in one line.</summary>
    public static string DescribeOwner(DataDirectoryIdentity identity) => string.Create(
        CultureInfo.InvariantCulture,
        $"{DescribeMember(identity)}, members {(identity.Members.IsEmpty ? NoMembers : string.Join(' ', identity.Members))}");

    /// <summary>Describes the member of a data directory, which never changes.</summary>
    public static string DescribeMember(DataDirectoryIdentity identity) =>
        string.Create(CultureInfo.InvariantCulture, $"cluster {identity.ClusterId:x16}, member {identity.MemberId}");

    /// <summary>Whether an attribute can be written as one line and read back.</summary>
    public static bool IsValidAttribute(string name, string value) =>
        name.Length > 0 && !name.Contains(' ', StringComparison.Ordinal) && !name.Any(char.IsControl) && !value.Any(char.IsControl);

    private static DataDirectoryIdentity Parse(string[] lines, uint format)
    {
        var (version, versionIndex) = (ClusterVersion.Oldest, LogIndex.Zero);
        var next = 4;
        if (format > VersionWithoutClusterVersion)
            (version, versionIndex) = ParseVersion(ValueOf(lines[next++], "version").Split(' '));
        var (directory, segment) = (ValueOf(lines[next], "directory"), ValueOf(lines[next + 1], "segment"));
        var peers = ImmutableSortedDictionary.CreateBuilder<NodeId, DirectoryId>();
        var attributes = ImmutableSortedDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        ImmutableArray<NodeId> voters = [], learners = [];
        foreach (var line in lines[(next + 2)..^1])
        {
            var words = line.Split(' ', 3);
            if (words[0] == "voters")
                voters = ParseMembers(ValueOf(line, "voters"));
            else if (words[0] == "learners")
                learners = ParseMembers(ValueOf(line, "learners"));
            else if (words[0] == "peer")
                peers.Add(new NodeId(Hex(words[1])), new DirectoryId(Hex(words[2])));
            else if (words[0] == "attribute")
                attributes.Add(words[1], words[2]);
            else
                throw new FormatException($"\"{words[0]}\" is unknown");
        }

        return new DataDirectoryIdentity
        {
            ClusterId = Hex(ValueOf(lines[1], "cluster")),
            MemberId = new NodeId(Hex(ValueOf(lines[2], "member"))),
            Members = ParseMembers(ValueOf(lines[3], "members")),
            Voters = voters,
            Learners = learners,
            Version = version,
            VersionIndex = versionIndex,
            DirectoryId = new DirectoryId(Hex(directory)),
            NewestSegment = ulong.Parse(segment, NumberStyles.None, CultureInfo.InvariantCulture),
            Peers = peers.ToImmutable(),
            Attributes = attributes.ToImmutable(),
        };
    }

    private static void AppendMembers(StringBuilder text, string name, ImmutableArray<NodeId> members)
    {
        if (!members.IsEmpty)
            text.Append(CultureInfo.InvariantCulture, $"{name} {string.Join(' ', members)}\n");
    }

    private static ImmutableArray<NodeId> ParseMembers(string ids) =>
        ids == NoMembers ? [] : [.. ids.Split(' ').Select(static id => new NodeId(Hex(id)))];

    private static (ClusterVersion Version, LogIndex Index) ParseVersion(string[] words) =>
        ClusterVersion.TryParse(words[0], out var version)
            ? (version, new LogIndex(ulong.Parse(words[1], NumberStyles.None, CultureInfo.InvariantCulture)))
            : throw new FormatException($"\"{words[0]}\" is no version");

    private static string ValueOf(string line, string name) => line.StartsWith(name + " ", StringComparison.Ordinal)
        ? line[(name.Length + 1)..]
        : throw new FormatException($"\"{name}\" is missing");

    private static ulong Hex(string text) => ulong.Parse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);

    private static byte[] ChecksumLine(ReadOnlySpan<byte> body) =>
        Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{ChecksumName}{Crc32C.Of(body):x8}\n"));

    /// <summary>What the disk cannot read counts as corrupted.</summary>
    public static WalCorruptionException Unreadable(IOException fault) =>
        Corruption($"the disk cannot read it ({fault.Message.TrimEnd('.')})");

    private static WalCorruptionException Corruption(string what) =>
        new(IdentityFile.Name, 0, "the identity of this data directory", what,
            "It is written to a temporary file and flushed before it is renamed, so no crash leaves this.");
}
