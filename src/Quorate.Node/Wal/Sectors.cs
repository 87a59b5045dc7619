using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Quorate.Node.Wal;

/// <summary>The unit in which a disk writes, and how a segment tells a sector that was never written from one that was.</summary>
/// <remarks>
/// A segment is filled before it is used, and flushed: every sector with one 64-bit word, repeated, that follows from the segment's nonce
/// and the sector's place. A power cut leaves each sector as it was or as it was to be; so a sector that still holds its word was not
/// written. Zeroes would not do for this: an entry may hold a sector of zeroes, or one that a single flipped bit turns into zeroes, and then
/// damage would pass for a torn write and an acknowledged entry would be cut off.
/// </remarks>
internal static class Sectors
{
    /// <summary>What every disk writes whole or not at all, bytes.</summary>
    public const int Bytes = 512;

    /// <summary>The next multiple of a sector.</summary>
    public static int RoundUp(int bytes) => (bytes + (Bytes - 1)) & -Bytes;

    /// <summary>Makes whole sectors look as they do before anything is written to them.</summary>
    public static void FillUnwritten(Span<byte> sectors, ulong nonce, long offset)
    {
        for (; sectors.Length > 0; sectors = sectors[Bytes..], offset += Bytes)
            MemoryMarshal.Cast<byte, ulong>(sectors[..Bytes]).Fill(WordOf(nonce, offset));
    }

    /// <summary>Whether nothing was ever written to the sector at <paramref name="offset"/>.</summary>
    public static bool IsUnwritten(ReadOnlySpan<byte> sector, ulong nonce, long offset) =>
        !MemoryMarshal.Cast<byte, ulong>(sector).ContainsAnyExcept(WordOf(nonce, offset));

    /// <summary>
    /// What a checksum is combined with, so that it holds in one place of one segment only: a record that the disk put elsewhere, or that
    /// was copied from another file, does not verify.
    /// </summary>
    public static uint SealOf(ulong nonce, long offset) => (uint)(Mix(nonce, offset) >> 32);

    private static ulong WordOf(ulong nonce, long offset)
    {
        var word = Mix(nonce, offset);
        return BitConverter.IsLittleEndian ? word : BinaryPrimitives.ReverseEndianness(word);
    }

    // Fibonacci hashing: the constant is 2^64 / golden ratio. The nonce is random already; places must only differ.
    private static ulong Mix(ulong nonce, long offset) => (nonce ^ (ulong)offset) * 0x9E37_79B9_7F4A_7C15;
}
