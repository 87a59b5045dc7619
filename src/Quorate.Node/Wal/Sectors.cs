using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Quorate.Node.Wal;

/// <summary>The unit of a disk write, and how a segment distinguishes unwritten sectors from written ones.</summary>
/// <remarks>
/// A new segment is filled and flushed before it is used: every sector is filled with one repeated 64-bit word that is derived from the
/// segment's nonce and the sector's offset. A power loss leaves each sector with its old or its new content, so a sector that still holds
/// its word was not written. Zeroes would not do: an entry may contain a sector of zeroes, or one that a single flipped bit turns into
/// zeroes; then corruption would be taken for a torn write, and an acknowledged entry would be truncated.
/// </remarks>
internal static class Sectors
{
    /// <summary>The size that every disk writes atomically, bytes.</summary>
    public const int Bytes = 512;

    /// <summary>Rounds up to a multiple of the sector size.</summary>
    public static int RoundUp(int bytes) => (bytes + (Bytes - 1)) & -Bytes;

    /// <summary>Fills whole sectors with the pattern of unwritten sectors.</summary>
    public static void FillUnwritten(Span<byte> sectors, ulong nonce, long offset)
    {
        for (; sectors.Length > 0; sectors = sectors[Bytes..], offset += Bytes)
            MemoryMarshal.Cast<byte, ulong>(sectors[..Bytes]).Fill(WordOf(nonce, offset));
    }

    /// <summary>Whether the sector at <paramref name="offset"/> was never written.</summary>
    public static bool IsUnwritten(ReadOnlySpan<byte> sector, ulong nonce, long offset) =>
        !MemoryMarshal.Cast<byte, ulong>(sector).ContainsAnyExcept(WordOf(nonce, offset));

    /// <summary>
    /// The value that a checksum is combined with, so that it is valid at one offset of one segment only: a record that the disk wrote to
    /// another place, or that was copied from another file, fails verification.
    /// </summary>
    public static uint SealOf(ulong nonce, long offset) => (uint)(Mix(nonce, offset) >> 32);

    private static ulong WordOf(ulong nonce, long offset)
    {
        var word = Mix(nonce, offset);
        return BitConverter.IsLittleEndian ? word : BinaryPrimitives.ReverseEndianness(word);
    }

    // Fibonacci hashing: the constant is 2^64 / golden ratio. The nonce is random already; the values only need to differ by offset.
    private static ulong Mix(ulong nonce, long offset) => (nonce ^ (ulong)offset) * 0x9E37_79B9_7F4A_7C15;
}
