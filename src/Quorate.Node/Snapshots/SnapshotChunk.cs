using System.Buffers.Binary;
using Quorate.Node.Storage;
using Quorate.Node.Wal;

namespace Quorate.Node.Snapshots;

/// <summary>A part of the content of a snapshot, the unit that is verified before it is used. All integers are little-endian.</summary>
/// <remarks><code>
///   0   4  crc32c over bytes 4 .. end of the chunk, xor the seal of its offset
///   4   4  length of the payload, bytes: 1 to 65536
///   8   n  payload: the next bytes of what the state machine wrote
/// </code>
/// Any change here bumps <see cref="SnapshotHeader.Version"/>, docs/formats/snapshot.md and the golden file together.
/// </remarks>
internal static class SnapshotChunk
{
    public const int HeaderBytes = 8;

    /// <summary>The longest payload: memory for it is allocated before its content is verified.</summary>
    public const int PayloadBytesMax = 64 * 1024;

    /// <summary>Writes the header of a chunk whose payload is in its place already.</summary>
    /// <returns>The checksum, as it is in the file.</returns>
    public static uint Seal(Span<byte> chunk, ulong nonce, long offset)
    {
        BinaryPrimitives.WriteInt32LittleEndian(chunk[4..], chunk.Length - HeaderBytes);
        var checksum = Crc32C.Of(chunk[4..]) ^ Sectors.SealOf(nonce, offset);
        BinaryPrimitives.WriteUInt32LittleEndian(chunk, checksum);
        return checksum;
    }

    /// <summary>Whether the chunk is the one that was written to this offset of this file.</summary>
    public static bool IsValid(ReadOnlySpan<byte> chunk, ulong nonce, long offset) =>
        BinaryPrimitives.ReadUInt32LittleEndian(chunk) == (Crc32C.Of(chunk[4..]) ^ Sectors.SealOf(nonce, offset));
}
