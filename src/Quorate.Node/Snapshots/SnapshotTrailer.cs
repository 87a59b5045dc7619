using System.Buffers.Binary;
using Quorate.Node.Storage;
using Quorate.Node.Wal;

namespace Quorate.Node.Snapshots;

/// <summary>
/// The last bytes of a snapshot file, which show that no chunk is missing at its end. All integers are little-endian.
/// </summary>
/// <remarks><code>
///   0   4  crc32c over bytes 4 .. 32, xor the seal of its offset
///   4   4  magic "QEND": no length of a chunk
///   8   8  number of chunks
///  16   8  length of all payloads, bytes
///  24   4  crc32c over the checksums of the header, the configuration and the chunks as they are in the file, in order
///  28   4  zero
/// </code>
/// Any change here bumps <see cref="SnapshotHeader.Version"/>, docs/formats/snapshot.md and the golden file together.
/// </remarks>
internal readonly record struct SnapshotTrailer(long Chunks, long ContentBytes, uint Checksum)
{
    public const int Bytes = 32;
    public const uint Magic = 0x444E_4551;

    public void Write(Span<byte> target, ulong nonce, long offset)
    {
        target[..Bytes].Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(target[4..], Magic);
        BinaryPrimitives.WriteInt64LittleEndian(target[8..], Chunks);
        BinaryPrimitives.WriteInt64LittleEndian(target[16..], ContentBytes);
        BinaryPrimitives.WriteUInt32LittleEndian(target[24..], Checksum);
        BinaryPrimitives.WriteUInt32LittleEndian(target, Crc32C.Of(target[4..Bytes]) ^ Sectors.SealOf(nonce, offset));
    }

    /// <summary>Reads a trailer; returns false when the bytes are not a trailer that was written to this offset of this file.</summary>
    public static bool TryRead(ReadOnlySpan<byte> source, ulong nonce, long offset, out SnapshotTrailer trailer)
    {
        trailer = new SnapshotTrailer(
            BinaryPrimitives.ReadInt64LittleEndian(source[8..]),
            BinaryPrimitives.ReadInt64LittleEndian(source[16..]),
            BinaryPrimitives.ReadUInt32LittleEndian(source[24..]));
        return BinaryPrimitives.ReadUInt32LittleEndian(source[4..]) == Magic &&
            BinaryPrimitives.ReadUInt32LittleEndian(source) == (Crc32C.Of(source[4..Bytes]) ^ Sectors.SealOf(nonce, offset));
    }
}
