namespace Quorate.Raft.Tests;

/// <summary>The pseudo-random generator of a simulated run: all its choices come from one seed.</summary>
internal sealed class Prng(ulong seed)
{
    private SplitMix64 _random = new(seed);

    public ulong Next() => _random.Next();

    /// <summary>Draws a number in [from, to).</summary>
    public int Next(int from, int to) => _random.Next(from, to);

    /// <summary>Returns true with a probability of <paramref name="perMille"/> in a thousand.</summary>
    public bool Chance(int perMille) => perMille > 0 && _random.Next(0, 1000) < perMille;

    /// <summary>Draws one of the choices.</summary>
    public T Pick<T>(params ReadOnlySpan<T> choices) => choices[_random.Next(0, choices.Length)];
}
