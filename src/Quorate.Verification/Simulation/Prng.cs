using Quorate.Raft;

namespace Quorate.Verification.Simulation;

/// <summary>One stream of chance. Each concern has its own, so that one that draws more leaves the others' draws as they were.</summary>
internal sealed class Prng(ulong seed)
{
    private SplitMix64 _random = new(seed);

    /// <summary>The stream of that name under that seed.</summary>
    public static Prng Derive(ulong seed, string stream)
    {
        // FNV-1a: the name only has to lead far away from the other names.
        var hash = 14_695_981_039_346_656_037UL;
        foreach (var c in stream)
            hash = (hash ^ c) * 1_099_511_628_211UL;
        return new Prng(new SplitMix64(seed ^ hash).Next());
    }

    public ulong Next() => _random.Next();

    /// <summary>A number in [from, to).</summary>
    public int Next(int from, int to) => _random.Next(from, to);

    /// <summary>A span of virtual time in [from, to].</summary>
    public long Between(long from, long to) => from + (long)(_random.Next() % (ulong)(to - from + 1));

    /// <summary>True so many times in a thousand. It draws even if the answer is clear: what can be switched off leaves later draws as they were.</summary>
    public bool Chance(int perMille) => _random.Next(0, 1000) < perMille;

    /// <summary>One of these.</summary>
    public T Pick<T>(params ReadOnlySpan<T> choices) => choices[_random.Next(0, choices.Length)];

    /// <summary>Puts a list into another order.</summary>
    public void Shuffle<T>(IList<T> items)
    {
        for (var i = items.Count - 1; i > 0; i--)
        {
            var j = _random.Next(0, i + 1);
            (items[i], items[j]) = (items[j], items[i]);
        }
    }
}
