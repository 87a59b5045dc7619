using System.Buffers.Binary;
using System.Numerics;

namespace Quorate.Node.Storage;

/// <summary>
/// CRC-32C (Castagnoli), the checksum of all files in the data directory and of every frame between members. One instruction per word on
/// x64 and ARM64.
/// </summary>
/// <remarks>Source: RFC 3720 appendix B.4; the tests contain its test vectors.</remarks>
internal static class Crc32C
{
    /// <summary>Computes the checksum of <paramref name="bytes"/>.</summary>
    public static uint Of(ReadOnlySpan<byte> bytes) => ~Continue(~0u, bytes);

    /// <summary>Continues a running checksum that is not inverted yet.</summary>
    public static uint Continue(uint running, ReadOnlySpan<byte> bytes)
    {
        while (bytes.Length >= sizeof(ulong))
        {
            running = BitOperations.Crc32C(running, BinaryPrimitives.ReadUInt64LittleEndian(bytes));
            bytes = bytes[sizeof(ulong)..];
        }

        foreach (var b in bytes)
            running = BitOperations.Crc32C(running, b);
        return running;
    }
}
