using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;

namespace Quorate.Kv;

/// <summary>
/// Compares keys by content. The hash depends on a seed, so a client that does not know the seed cannot choose keys that collide.
/// </summary>
internal sealed class SeededKeyComparer(ulong seed)
    : IEqualityComparer<ReadOnlyMemory<byte>>, IAlternateEqualityComparer<ReadOnlySpan<byte>, ReadOnlyMemory<byte>>
{
    // Odd, with about as many ones as zeros: the fractional part of the golden ratio.
    private const ulong Multiplier = 0x9E37_79B9_7F4A_7C15;

    public bool Equals(ReadOnlyMemory<byte> x, ReadOnlyMemory<byte> y) => x.Span.SequenceEqual(y.Span);

    public bool Equals(ReadOnlySpan<byte> alternate, ReadOnlyMemory<byte> other) => alternate.SequenceEqual(other.Span);

    public int GetHashCode(ReadOnlyMemory<byte> key) => GetHashCode(key.Span);

    public int GetHashCode(ReadOnlySpan<byte> key)
    {
        var hash = seed ^ (Multiplier * (ulong)key.Length);
        for (; key.Length >= sizeof(ulong); key = key[sizeof(ulong)..])
            hash = Mix(hash ^ BinaryPrimitives.ReadUInt64LittleEndian(key), seed | 1);
        ulong rest = 0;
        foreach (var b in key)
            rest = (rest << 8) | b;
        hash = Mix(hash ^ rest, Multiplier);
        return (int)(hash ^ (hash >> 32));
    }

    [ExcludeFromCodeCoverage(Justification = "The index only looks up spans.")]
    public ReadOnlyMemory<byte> Create(ReadOnlySpan<byte> alternate) => alternate.ToArray();

    /// <summary>The two halves of the 128-bit product: each bit of the result depends on all bits of both factors.</summary>
    private static ulong Mix(ulong a, ulong b) => Math.BigMul(a, b, out var low) ^ low;
}
