using System.Buffers.Binary;

namespace Quorate.Verification.Simulation;

/// <summary>A stream of chance in the shape that everybody knows, the same on every machine and in every version of the runtime.</summary>
internal sealed class SeededRandom(Dice dice) : Random(0)
{
    private Dice _dice = dice;

    /// <summary>Goes on with another stream.</summary>
    public void Begin(Dice dice) => _dice = dice;

    public override int Next() => (int)(_dice.Next() % int.MaxValue);

    public override int Next(int maxValue) => Next(0, maxValue);

    public override int Next(int minValue, int maxValue) => (int)NextInt64(minValue, maxValue);

    public override long NextInt64() => (long)(_dice.Next() % long.MaxValue);

    public override long NextInt64(long maxValue) => NextInt64(0, maxValue);

    public override long NextInt64(long minValue, long maxValue)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(minValue, maxValue);
        return minValue == maxValue ? minValue : minValue + (long)(_dice.Next() % (ulong)(maxValue - minValue));
    }

    // 53 bits are what a double holds.
    public override double NextDouble() => (_dice.Next() >> 11) * (1.0 / (1UL << 53));

    public override float NextSingle() => (_dice.Next() >> 40) * (1.0f / (1U << 24));

    public override void NextBytes(byte[] buffer) => NextBytes(buffer.AsSpan());

    public override void NextBytes(Span<byte> buffer)
    {
        Span<byte> drawn = stackalloc byte[8];
        for (; buffer.Length > 0; buffer = buffer[Math.Min(8, buffer.Length)..])
        {
            BinaryPrimitives.WriteUInt64LittleEndian(drawn, _dice.Next());
            drawn[..Math.Min(8, buffer.Length)].CopyTo(buffer);
        }
    }

    protected override double Sample() => NextDouble();
}
