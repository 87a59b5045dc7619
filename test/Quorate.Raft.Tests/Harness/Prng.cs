namespace Quorate.Raft.Tests;

/// <summary>Every choice of a simulated run, from one seed.</summary>
internal sealed class Prng(ulong seed)
{
    private SplitMix64 _random = new(seed);

    public ulong Next() => _random.Next();

    /// <summary>A number in [from, to).</summary>
    public int Next(int from, int to) => _random.Next(from, to);

    /// <summary>True so many times in a thousand.</summary>
    public bool Chance(int perMille) => perMille > 0 && _random.Next(0, 1000) < perMille;

    /// <summary>One of these.</summary>
    public T Pick<T>(params ReadOnlySpan<T> choices) => choices[_random.Next(0, choices.Length)];
}
