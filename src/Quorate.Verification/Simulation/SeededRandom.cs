using System.Buffers.Binary;

namespace Quorate.Verification.Simulation;

/// <summary>
/// A <see cref="Random"/> over a <see cref="Prng"/>: it draws the same numbers on every machine and in every version of the runtime.
/// </summary>
internal sealed class SeededRandom(Prng prng) : Random(0)
{
    private Prng _prng = prng;

    /// <summary>Switches to another stream.</summary>
    public void UseStream(Prng prng) => _prng = prng;

    public override int Next() => (int)(_prng.Next() % int.MaxValue);

    public override int Next(int maxValue) => Next(0, maxValue);

    public override int Next(int minValue, int maxValue) => (int)NextInt64(minValue, maxValue);

    public override long NextInt64() => (long)(_prng.Next() % long.MaxValue);

    public override long NextInt64(long maxValue) => NextInt64(0, maxValue);

    public override long NextInt64(long minValue, long maxValue)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(minValue, maxValue);
        return minValue == maxValue ? minValue : minValue + (long)(_prng.Next() % (ulong)(maxValue - minValue));
    }

    // A double has 53 bits of precision.
    public override double NextDouble() => (_prng.Next() >> 11) * (1.0 / (1UL << 53));

    public override float NextSingle() => (_prng.Next() >> 40) * (1.0f / (1U << 24));

    public override void NextBytes(byte[] buffer) => NextBytes(buffer.AsSpan());

    public override void NextBytes(Span<byte> buffer)
    {
        Span<byte> drawn = stackalloc byte[8];
        for (; buffer.Length > 0; buffer = buffer[Math.Min(8, buffer.Length)..])
        {
            BinaryPrimitives.WriteUInt64LittleEndian(drawn, _prng.Next());
            drawn[..Math.Min(8, buffer.Length)].CopyTo(buffer);
        }
    }

    protected override double Sample() => NextDouble();
}
