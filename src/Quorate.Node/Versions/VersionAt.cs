using System.Buffers.Binary;
using Quorate.Raft;

namespace Quorate.Node.Versions;

/// <summary>A version of the cluster, and the entry of the log that set it; 0: the cluster was created with it.</summary>
internal readonly record struct VersionAt(ClusterVersion Version, LogIndex Index)
{
    private const int PayloadBytes = 8;

    /// <summary>Encodes the payload of an entry of kind <see cref="EntryKind.ClusterVersion"/>.</summary>
    /// <remarks><code>
    ///   0  2  major version, little-endian
    ///   2  2  minor version
    ///   4  4  zero
    /// </code>
    /// A later version may append fields, which this version ignores.
    /// </remarks>
    public static byte[] Encode(ClusterVersion version)
    {
        var payload = new byte[PayloadBytes];
        BinaryPrimitives.WriteUInt16LittleEndian(payload, version.Major);
        BinaryPrimitives.WriteUInt16LittleEndian(payload.AsSpan(2), version.Minor);
        return payload;
    }

    /// <summary>Decodes an entry of kind <see cref="EntryKind.ClusterVersion"/>.</summary>
    public static VersionAt Decode(in LogEntry entry)
    {
        Invariant.That(entry.Payload.Length >= PayloadBytes, "only a leader's driver encodes the version of the cluster");
        var payload = entry.Payload.Span;
        return new VersionAt(
            new ClusterVersion(BinaryPrimitives.ReadUInt16LittleEndian(payload), BinaryPrimitives.ReadUInt16LittleEndian(payload[2..])),
            entry.Index);
    }
}
