using System.Buffers.Binary;
using Quorate.Node.Storage;
using Quorate.Node.Versions;
using Quorate.Node.Wal;
using Quorate.Raft;

namespace Quorate.Node.Snapshots;

/// <summary>The first sector of a snapshot file. All integers are little-endian.</summary>
/// <remarks><code>
///   0   4  crc32c over bytes 4 .. 512
///   4   4  magic "QSNP"
///   8   4  format version, 1
///  12   4  length of the configuration section, which follows this header, bytes
///  16   8  nonce, random: identifies the bytes of this file; the seal of every other checksum of the file is derived from it
///  24   8  cluster id
///  32   8  id of the Raft group
///  40   8  index of the last entry whose effect is in the snapshot
///  48   8  term of that entry
///  56   2  major version of the cluster as of that entry; 0 with the minor version: not given
///  58   2  minor version
///  60   4  zero
///  64   8  index of the entry that set the version
///  72   8  index of the entry that holds the configuration as of the last entry; 0: the cluster was created with it
///  80 432  zero
/// </code>
/// Nothing in a snapshot names a member or a data directory: members send each other the bytes of the file as they are.
/// Any change here bumps the version, docs/formats/snapshot.md and the golden file together.
/// </remarks>
internal readonly record struct SnapshotHeader(int ConfigurationBytes, ulong Nonce, ulong ClusterId, GroupId Group, EntryId Last,
    VersionAt ClusterVersion = default, LogIndex ConfigurationIndex = default)
{
    public const int Bytes = Sectors.Bytes;
    public const uint Version = 1;
    private const int ConfigurationBytesAt = 12;
    private const int ClusterAt = 24;
    private const uint Magic = 0x504E_5351;

    public void Write(Span<byte> target)
    {
        target[..Bytes].Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(target[4..], Magic);
        BinaryPrimitives.WriteUInt32LittleEndian(target[8..], Version);
        BinaryPrimitives.WriteInt32LittleEndian(target[ConfigurationBytesAt..], ConfigurationBytes);
        BinaryPrimitives.WriteUInt64LittleEndian(target[16..], Nonce);
        BinaryPrimitives.WriteUInt64LittleEndian(target[ClusterAt..], ClusterId);
        BinaryPrimitives.WriteUInt64LittleEndian(target[32..], Group.Value);
        BinaryPrimitives.WriteUInt64LittleEndian(target[40..], Last.Index.Value);
        BinaryPrimitives.WriteUInt64LittleEndian(target[48..], Last.Term.Value);
        BinaryPrimitives.WriteUInt16LittleEndian(target[56..], ClusterVersion.Version.Major);
        BinaryPrimitives.WriteUInt16LittleEndian(target[58..], ClusterVersion.Version.Minor);
        BinaryPrimitives.WriteUInt64LittleEndian(target[64..], ClusterVersion.Index.Value);
        BinaryPrimitives.WriteUInt64LittleEndian(target[72..], ConfigurationIndex.Value);
        BinaryPrimitives.WriteUInt32LittleEndian(target, Crc32C.Of(target[4..Bytes]));
    }

    /// <summary>Whether the first bytes of a file are those of a snapshot file; the checksum is not verified.</summary>
    public static bool HasMagic(ReadOnlySpan<byte> start) =>
        start.Length >= 8 && BinaryPrimitives.ReadUInt32LittleEndian(start[4..]) == Magic;

    /// <summary>Reads the header of a file.</summary>
    /// <exception cref="SnapshotCorruptionException">The header is not as it was written.</exception>
    /// <exception cref="IOException">Another version wrote the file.</exception>
    public static SnapshotHeader Read(ReadOnlySpan<byte> source, string file, string why)
    {
        if (BinaryPrimitives.ReadUInt32LittleEndian(source) != Crc32C.Of(source[4..Bytes]))
            throw new SnapshotCorruptionException(file, 0, "the checksum of the header is wrong", why);
        if (BinaryPrimitives.ReadUInt32LittleEndian(source[4..]) != Magic)
            throw new SnapshotCorruptionException(file, 4, "the file is not a snapshot", why);

        FormatVersion.Verify(file, BinaryPrimitives.ReadUInt32LittleEndian(source[8..]), Version, firstReleased: 1);
        var header = new SnapshotHeader(
            BinaryPrimitives.ReadInt32LittleEndian(source[ConfigurationBytesAt..]),
            BinaryPrimitives.ReadUInt64LittleEndian(source[16..]),
            BinaryPrimitives.ReadUInt64LittleEndian(source[ClusterAt..]),
            new GroupId(BinaryPrimitives.ReadUInt64LittleEndian(source[32..])),
            new EntryId(
                new Term(BinaryPrimitives.ReadUInt64LittleEndian(source[48..])),
                new LogIndex(BinaryPrimitives.ReadUInt64LittleEndian(source[40..]))),
            new VersionAt(
                new ClusterVersion(
                    BinaryPrimitives.ReadUInt16LittleEndian(source[56..]), BinaryPrimitives.ReadUInt16LittleEndian(source[58..])),
                new LogIndex(BinaryPrimitives.ReadUInt64LittleEndian(source[64..]))),
            new LogIndex(BinaryPrimitives.ReadUInt64LittleEndian(source[72..])));
        if (header.ConfigurationBytes is < SnapshotConfiguration.HeaderBytes or > SnapshotConfiguration.BytesMax)
        {
            throw new SnapshotCorruptionException(
                file, ConfigurationBytesAt, $"the header states a configuration of {header.ConfigurationBytes} bytes", why);
        }

        return header;
    }

    /// <summary>Throws unless the snapshot belongs to this cluster and this group.</summary>
    public void VerifyOwner(string file, ulong clusterId, GroupId group)
    {
        if (ClusterId != clusterId || Group != group)
        {
            throw new SnapshotCorruptionException(
                file, ClusterAt,
                $"it belongs to cluster {ClusterId:x16}, group {Group}; this is cluster {clusterId:x16}, group {group}",
                "The state of another cluster would replace this one's.");
        }
    }
}
