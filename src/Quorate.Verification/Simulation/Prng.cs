using Quorate.Raft;

namespace Quorate.Verification.Simulation;

/// <summary>
/// One stream of pseudo-random numbers. Each concern has its own, so that a concern that draws more does not change the draws of others.
/// </summary>
internal sealed class Prng(ulong seed)
{
    private SplitMix64 _random = new(seed);

    /// <summary>Derives the stream of a name under a seed. A stream that is renamed draws other numbers, so every run changes.</summary>
    public static Prng Derive(ulong seed, string stream)
    {
        // FNV-1a: different names only have to give very different seeds.
        var hash = 14_695_981_039_346_656_037UL;
        foreach (var c in stream)
            hash = (hash ^ c) * 1_099_511_628_211UL;
        return new Prng(new SplitMix64(seed ^ hash).Next());
    }

    public ulong Next() => _random.Next();

    /// <summary>Draws a number in [from, to).</summary>
    public int Next(int from, int to) => _random.Next(from, to);

    /// <summary>Draws a duration of virtual time in [from, to].</summary>
    public long Between(long from, long to) => from + (long)(_random.Next() % (ulong)(to - from + 1));

    /// <summary>
    /// Draws true with the given probability per mille. It draws even at 0 or 1000, so that disabling something keeps later draws
    /// unchanged.
    /// </summary>
    public bool Chance(int perMille) => _random.Next(0, 1000) < perMille;

    /// <summary>Draws one of the choices.</summary>
    public T Pick<T>(params ReadOnlySpan<T> choices) => choices[_random.Next(0, choices.Length)];

    /// <summary>Shuffles a list.</summary>
    public void Shuffle<T>(IList<T> items)
    {
        for (var i = items.Count - 1; i > 0; i--)
        {
            var j = _random.Next(0, i + 1);
            (items[i], items[j]) = (items[j], items[i]);
        }
    }
}
