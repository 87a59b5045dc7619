using System.Buffers.Binary;
using Quorate.Node.Storage;
using Quorate.Node.Wal;
using Quorate.Raft;

namespace Quorate.Node.Snapshots;

/// <summary>The section of a snapshot file with the configuration as of its last entry. All integers are little-endian.</summary>
/// <remarks><code>
///   0   4  crc32c over bytes 4 .. end of the section, xor the seal of its offset
///   4   n  the configuration, see <see cref="ConfigurationCodec"/>
/// </code>
/// A record of another kind than that of a member cannot be ignored, because it may be part of what the cluster agreed on; a file with one
/// is rejected. Any change here bumps <see cref="SnapshotHeader.Version"/>, docs/formats/snapshot.md and the golden file together.
/// </remarks>
internal static class SnapshotConfiguration
{
    /// <summary>The bytes of a section without members.</summary>
    public const int HeaderBytes = 8;

    /// <summary>The longest section: memory for it is allocated before its content is verified.</summary>
    public const int BytesMax = 256 * 1024;

    private const int ChecksumBytes = 4;

    /// <summary>Returns the length of the section of a configuration, bytes.</summary>
    public static int SizeOf(Configuration configuration) => ChecksumBytes + ConfigurationCodec.SizeOf(configuration);

    public static void Write(Span<byte> target, Configuration configuration, ulong nonce, long offset)
    {
        target = target[..SizeOf(configuration)];
        target.Clear();
        ConfigurationCodec.Write(target[ChecksumBytes..], configuration);
        BinaryPrimitives.WriteUInt32LittleEndian(target, Crc32C.Of(target[ChecksumBytes..]) ^ Sectors.SealOf(nonce, offset));
    }

    /// <summary>Reads a whole section.</summary>
    /// <exception cref="SnapshotCorruptionException">The section is not as it was written.</exception>
    /// <exception cref="IOException">A later version wrote it.</exception>
    public static Configuration Read(ReadOnlySpan<byte> source, ulong nonce, long offset, string file, string why)
    {
        if (BinaryPrimitives.ReadUInt32LittleEndian(source) != (Crc32C.Of(source[ChecksumBytes..]) ^ Sectors.SealOf(nonce, offset)))
            throw new SnapshotCorruptionException(file, offset, "the checksum of the configuration is wrong", why);
        if (ConfigurationCodec.TryDecode(source[ChecksumBytes..], out var configuration, out var fault, out var unknownKind))
        {
            return configuration.IsEmpty
                ? throw new SnapshotCorruptionException(file, offset, "the configuration has no members", why)
                : configuration;
        }

        if (unknownKind != 0)
        {
            throw new IOException(
                $"{file} has a record of kind {unknownKind} in its configuration, which this build does not know. " +
                "Start the build that wrote it, or a newer one.");
        }

        throw new SnapshotCorruptionException(file, offset, $"it is not a configuration: {fault}", why);
    }
}
