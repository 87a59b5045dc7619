using System.Buffers.Binary;
using System.Security.Cryptography;
using Quorate.Node.Storage;
using Quorate.Node.Wal;

namespace Quorate.Node.Backups;

/// <summary>The end of a backup file. All integers are little-endian.</summary>
/// <remarks><code>
///      0    n  a snapshot file (docs/formats/snapshot.md)
///      n       zeroes, up to a multiple of 512
///      m  512  trailer:
///               0   4  crc32c over bytes 4 .. 512
///               4   4  magic "QBAK"
///               8   4  format version, 1
///              12   4  zero
///              16   8  n, the length of the snapshot file, bytes
///              24 488  zero
///  m+512   32  SHA-256 over everything before
/// </code>
/// So a backup has a length of 512 · k + 32 bytes and ends with its SHA-256, as etcd's clients require of a snapshot that they receive.
/// Any change here bumps the version, docs/formats/backup.md and the golden file together.
/// </remarks>
internal static class BackupTrailer
{
    public const int Bytes = Sectors.Bytes;
    public const int HashBytes = SHA256.HashSizeInBytes;
    public const uint Version = 1;
    private const uint Magic = 0x4B41_4251;

    /// <summary>Returns the length of a backup of a snapshot file of this length, bytes.</summary>
    public static long FileBytesOf(long snapshotBytes) => TrailerAt(snapshotBytes) + Bytes + HashBytes;

    /// <summary>Returns the offset of the trailer behind a snapshot file of this length.</summary>
    public static long TrailerAt(long snapshotBytes) => (snapshotBytes + (Sectors.Bytes - 1)) & -Sectors.Bytes;

    public static void Write(Span<byte> target, long snapshotBytes)
    {
        target[..Bytes].Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(target[4..], Magic);
        BinaryPrimitives.WriteUInt32LittleEndian(target[8..], Version);
        BinaryPrimitives.WriteInt64LittleEndian(target[16..], snapshotBytes);
        BinaryPrimitives.WriteUInt32LittleEndian(target, Crc32C.Of(target[4..Bytes]));
    }

    /// <summary>Reads a trailer; returns false if the bytes are none.</summary>
    /// <exception cref="IOException">Another version wrote the file.</exception>
    public static bool TryRead(ReadOnlySpan<byte> source, string file, out long snapshotBytes)
    {
        snapshotBytes = 0;
        if (BinaryPrimitives.ReadUInt32LittleEndian(source) != Crc32C.Of(source[4..Bytes])
            || BinaryPrimitives.ReadUInt32LittleEndian(source[4..]) != Magic)
        {
            return false;
        }

        var version = BinaryPrimitives.ReadUInt32LittleEndian(source[8..]);
        if (version != Version)
            throw new IOException(
                $"{file} has backup format {version}, and this build reads format {Version}. Use the build that saved it, or a newer one.");
        snapshotBytes = BinaryPrimitives.ReadInt64LittleEndian(source[16..]);
        return true;
    }
}
