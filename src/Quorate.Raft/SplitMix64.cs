namespace Quorate.Raft;

/// <summary>
/// A small seeded random number generator, the only source of randomness in the core. The same seed gives the same numbers on every
/// machine.
/// </summary>
/// <remarks>Source: Steele, Lea, Flood, "Fast Splittable Pseudorandom Number Generators", OOPSLA 2014.</remarks>
public struct SplitMix64(ulong seed)
{
    private ulong _state = seed;

    /// <summary>Returns the next 64 bits.</summary>
    public ulong Next()
    {
        _state += 0x9E3779B97F4A7C15;
        var z = _state;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }

    /// <summary>Returns a number in [<paramref name="from"/>, <paramref name="to"/>).</summary>
    public int Next(int from, int to)
    {
        Invariant.That(from < to);
        return from + (int)(Next() % (ulong)(to - from));
    }
}
