using CsCheck;
using static Quorate.Kv.Tests.Given;

namespace Quorate.Kv.Tests.Properties;

/// <summary>The interval index finds exactly what a scan of a list finds, and stays balanced in any order of additions.</summary>
public sealed class KeyIntervalIndexTests
{
    // Few short keys, so that intervals are often equal, nested, adjacent or empty, and keys often hit their bounds.
    private static readonly Gen<string> Key = Gen.Char["\0ab\xff"].Array[0, 3].Select(c => new string(c));

    private static readonly Gen<KeyInterval> Interval = Gen.Frequency(
        (3, Key.Select(k => Keys(k))),
        (4, Gen.Select(Key, Key, (a, b) => KeyInterval.Range(Bytes(a), Bytes(b)))),
        (1, Key.Select(k => Keys(k, "\0"))),
        (2, Key.Select(Prefix)),
        (1, Gen.Const(KeyInterval.All)));

    [Fact]
    public void The_index_finds_what_a_scan_finds() =>
        Gen.Select(Gen.Select(Interval, Gen.Int[0, 99]).Array[1, 80], Key.Array[1, 12], Gen.ULong).Sample(
            (steps, keys, seed) =>
            {
                var index = new KeyIntervalIndex<int>(seed);
                var model = new List<(KeyInterval Keys, int Value, KeyIntervalIndexEntry<int> Entry)>();
                for (var i = 0; i < steps.Length; i++)
                {
                    // About one step in three removes a random value.
                    if (steps[i].Item2 is var random and < 35 && model.Count > 0)
                    {
                        var victim = model[random % model.Count];
                        model.Remove(victim);
                        Assert.True(index.Remove(victim.Entry));
                        Assert.False(index.Remove(victim.Entry));
                    }
                    else
                    {
                        model.Add((steps[i].Item1, i, index.Add(steps[i].Item1, i)));
                    }

                    Assert.Equal(model.Count, index.Count);
                    foreach (var key in keys)
                        Assert.Equal(model.Where(m => m.Keys.Contains(Bytes(key))).Select(m => m.Value).Order(), Find(index, key).Order());
                    var all = new List<int>();
                    index.CopyTo(all);
                    Assert.Equal(model.Select(m => m.Value), all.Order());
                }
            },
            iter: TestEffort.Of(3000));

    [Fact]
    public void A_removed_value_is_not_found_and_its_equals_are()
    {
        var index = new KeyIntervalIndex<string>(seed: 1);
        var first = index.Add(Prefix("a/"), "first");
        index.Add(Prefix("a/"), "second");
        var single = index.Add(Keys("a/1"), "single");

        index.Remove(first);
        index.Remove(single);

        Assert.Equal(["second"], Find(index, "a/1"));
    }

    /// <summary>Clients often create watchers in order: a tree without balance would be a list.</summary>
    /// <summary>A thousand clients often watch the same prefix; each put would visit a thousand nodes otherwise.</summary>
    [Fact]
    public void One_node_has_all_entries_of_its_range()
    {
        var index = new KeyIntervalIndex<int>(seed: 7);
        for (var i = 0; i < 1_000; i++)
            index.Add(Prefix("a/"), i);

        Assert.Equal(1, index.MeasureDepth());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Ranges_that_are_added_in_order_leave_the_tree_balanced(bool ascending)
    {
        const int Ranges = 20_000;
        var index = new KeyIntervalIndex<int>(seed: 7);
        var entries = new List<KeyIntervalIndexEntry<int>>();
        for (var i = 0; i < Ranges; i++)
            entries.Add(index.Add(Prefix($"{(ascending ? i : Ranges - i):000000}/"), i));

        // On average the longest path of a treap of this size has 34 nodes; a balanced tree has 15.
        Assert.InRange(index.MeasureDepth(), 15, 60);
        for (var i = 0; i < Ranges; i += 2)
            index.Remove(entries[i]);
        Assert.InRange(index.MeasureDepth(), 14, 60);
        Assert.Equal([101], Find(index, $"{(ascending ? 101 : Ranges - 101):000000}/x"));
    }

    /// <summary>A client that could choose keys with one hash would make every put and every new watcher scan them all.</summary>
    [Fact]
    public void The_hash_of_a_key_depends_on_the_seed()
    {
        var (a, b) = (new SeededKeyComparer(1), new SeededKeyComparer(2));
        var keys = Enumerable.Range(0, 1000).Select(i => (ReadOnlyMemory<byte>)Bytes($"/registry/pods/{i}")).ToList();

        Assert.InRange(keys.Select(a.GetHashCode).Distinct().Count(), 999, 1000);
        Assert.InRange(keys.Count(key => a.GetHashCode(key) == b.GetHashCode(key)), 0, 1);
    }

    private static List<T> Find<T>(KeyIntervalIndex<T> index, string key)
    {
        var found = new List<T>();
        index.Find(Bytes(key), found);
        return found;
    }
}
