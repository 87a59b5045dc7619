using CsCheck;
using Quorate.Kv.Tree;

namespace Quorate.Kv.Tests.Tree;

/// <summary>The B+tree against the base library's sorted map: the same results, and roots that never change once frozen.</summary>
public sealed class PageTreeTests
{
    private enum Step
    {
        Set,
        Remove,
        Freeze,
    }

    // Few letters, so that keys collide often. A zero, because a key and the same key with a zero appended are neighbours. Some keys differ
    // only after the eight bytes that a search compares first. Some values are larger than a page of 256 bytes.
    private static readonly Gen<string> GenLetters = Gen.Char["ab\0"].Array[0, 4].Select(c => new string(c));
    private static readonly Gen<string> GenKey =
        Gen.Select(GenLetters, Gen.Bool, GenLetters, (a, far, b) => far ? $"{a}--------{b}" : a + b);
    private static readonly Gen<byte[]> GenValue = Gen.Frequency(
        (8, Gen.Byte.Array[0, 20]), (2, Gen.Byte.Array[40, 120]), (1, Gen.Byte.Array[300, 900]));

    private static readonly Gen<(Step Step, string Key, byte[] Value, bool Counted)> GenStep = Gen.Select(
        Gen.Frequency((10, Gen.Const(Step.Set)), (7, Gen.Const(Step.Remove)), (1, Gen.Const(Step.Freeze))), GenKey, GenValue, Gen.Bool);

    [Fact]
    public void The_tree_matches_a_sorted_map_and_frozen_roots_never_change() =>
        GenStep.Array[0, 600].Sample(
            steps =>
            {
                var tree = new PageTree(pageBytes: 256);
                var model = new SortedDictionary<string, (byte[] Value, bool Counted)>(StringComparer.Ordinal);
                var frozen = new List<(Page Root, KeyValuePair<string, (byte[], bool)>[] Model)>();
                foreach (var (step, key, value, counted) in steps)
                {
                    switch (step)
                    {
                        case Step.Set:
                            tree.Set(new NewTreeEntry(Given.Bytes(key), counted, value));
                            model[key] = (value, counted);
                            break;
                        case Step.Remove:
                            Assert.Equal(model.Remove(key), tree.Remove(Given.Bytes(key)));
                            break;
                        default:
                            frozen.Add((tree.Freeze(), [.. model]));
                            break;
                    }
                }

                AssertMatchesModel(tree.Root, [.. model]);
                foreach (var (root, then) in frozen)
                    AssertMatchesModel(root, then);
            },
            iter: TestEffort.Of(600));

    /// <summary>A tree that is built from sorted entries has the same contents as one of insertions, and changes in the same way.</summary>
    [Fact]
    public void A_built_tree_matches_a_sorted_map_and_stays_frozen_when_it_changes() =>
        Gen.Select(GenStep.Array[0, 600], GenStep.Array[0, 60], Gen.Bool).Sample(
            (entries, steps, forAppends) =>
            {
                var model = new SortedDictionary<string, (byte[] Value, bool Counted)>(StringComparer.Ordinal);
                foreach (var (_, key, value, counted) in entries)
                    model[key] = (value, counted);
                var builder = forAppends ? PageTreeBuilder.ForAppends(pageBytes: 256) : PageTreeBuilder.ForRandomChanges(pageBytes: 256);
                foreach (var (key, (value, counted)) in model)
                    builder.Append(new NewTreeEntry(Given.Bytes(key), counted, value));
                var tree = builder.Build();
                var (built, builtModel) = (tree.Root, model.ToArray());

                AssertMatchesModel(built, builtModel);
                foreach (var (step, key, value, counted) in steps)
                {
                    if (step == Step.Remove)
                    {
                        Assert.Equal(model.Remove(key), tree.Remove(Given.Bytes(key)));
                        continue;
                    }

                    tree.Set(new NewTreeEntry(Given.Bytes(key), counted, value));
                    model[key] = (value, counted);
                }

                AssertMatchesModel(tree.Root, [.. model]);
                AssertMatchesModel(built, builtModel);
            },
            iter: TestEffort.Of(600));

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(65)]
    [InlineData(70_000)]
    public void A_built_tree_has_pages_as_full_as_it_needs(int keys)
    {
        var (appends, changes) = (PageTreeBuilder.ForAppends(1024), PageTreeBuilder.ForRandomChanges(1024));
        for (var i = 0; i < keys; i++)
        {
            appends.Append(new NewTreeEntry(Key(i), isCounted: true, new byte[20]));
            changes.Append(new NewTreeEntry(Key(i), isCounted: true, new byte[20]));
        }

        foreach (var (root, min, max) in new[] { (appends.Build().Root, 0.96, 1), (changes.Build().Root, 0.62, 0.67) })
        {
            TreeReader.CheckInvariants(root);
            Assert.Equal(keys, root.CountedEntries);
            if (keys < 1000)
                continue;
            Assert.InRange(Leaves(root).Sum(l => (double)l.LiveBytes) / Leaves(root).Sum(l => (double)l.HeapBytes), min, max);
            for (var i = 0; i < keys; i += 997)
                Assert.Equal(i, TreeReader.Rank(root, Key(i)));
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(64)]
    [InlineData(100_000)]
    public void Keys_are_found_and_removed_in_any_insertion_order(int batch)
    {
        const int Keys = 20_000;
        foreach (var order in new Func<int, int>[] { i => i, i => Keys - 1 - i, i => (int)(i * 7919L % Keys) })
        {
            var tree = new PageTree(pageBytes: 1024);
            for (var i = 0; i < Keys; i++)
            {
                tree.Set(new NewTreeEntry(Key(order(i)), isCounted: true, "value"u8));
                if (i % batch == 0)
                    tree.Freeze();
            }

            TreeReader.CheckInvariants(tree.Root);
            Assert.Equal(Keys, tree.Root.CountedEntries);
            for (var i = 0; i < Keys; i += 101)
                Assert.Equal(i, TreeReader.Rank(tree.Root, Key(i)));

            var whole = tree.Freeze();
            for (var i = 0; i < Keys; i++)
            {
                Assert.True(tree.Remove(Key(order(i))));
                if (i % batch == 0)
                    tree.Freeze();
                if (i % 1999 == 0)
                    TreeReader.CheckInvariants(tree.Root);
            }

            Assert.IsType<LeafPage>(tree.Root);
            Assert.Equal(0, tree.Root.CountedEntries);
            TreeReader.CheckInvariants(whole);
            Assert.Equal(Keys, whole.CountedEntries);
        }
    }

    [Fact]
    public void A_tree_that_grows_at_its_end_has_full_pages()
    {
        var tree = new PageTree(pageBytes: 4096);
        for (var i = 0; i < 50_000; i++)
            tree.Set(new NewTreeEntry(Key(i), isCounted: true, new byte[20]));

        long live = 0, heap = 0;
        foreach (var leaf in Leaves(tree.Root))
        {
            live += leaf.LiveBytes;
            heap += leaf.HeapBytes;
        }

        Assert.InRange((double)live / heap, 0.98, 1);
    }

    [Fact]
    public void Sparse_pages_are_merged_and_free_their_bytes()
    {
        var tree = new PageTree(pageBytes: 4096);
        for (var i = 0; i < 50_000; i++)
            tree.Set(new NewTreeEntry(Key(i), isCounted: true, new byte[20]));
        var before = Leaves(tree.Root).Count();

        for (var i = 0; i < 50_000; i++)
        {
            if (i % 50 != 0)
                tree.Remove(Key(i));
        }

        TreeReader.CheckInvariants(tree.Root);
        Assert.True(Leaves(tree.Root).Count() < before / 10, $"{before} pages became {Leaves(tree.Root).Count()}");
        Assert.True(Leaves(tree.Root).Sum(l => (long)l.HeapBytes) < 4 * Leaves(tree.Root).Sum(l => (long)l.LiveBytes));
    }

    [Fact]
    public void A_returned_slice_never_changes()
    {
        var tree = new PageTree(pageBytes: 512);
        tree.Set(new NewTreeEntry("k"u8, isCounted: true, "first"u8));
        Assert.True(TreeReader.TryFind(tree.Root, "k"u8, out var leaf, out var slot));
        var slice = leaf.Value(slot);

        for (var i = 0; i < 1000; i++)
        {
            tree.Set(new NewTreeEntry("k"u8, isCounted: true, Key(i)));
            tree.Set(new NewTreeEntry(Key(i), isCounted: true, new byte[30]));
        }

        tree.Remove("k"u8);
        Assert.Equal("first", Given.Text(slice));
    }

    private static byte[] Key(int i) => Given.Bytes(i.ToString("d8"));

    private static IEnumerable<LeafPage> Leaves(Page page)
    {
        if (page is LeafPage leaf)
            return [leaf];
        return ((InnerPage)page).Children.ToArray().SelectMany(Leaves);
    }

    private static void AssertMatchesModel(Page root, KeyValuePair<string, (byte[] Value, bool Counted)>[] model)
    {
        TreeReader.CheckInvariants(root);
        var i = 0;
        long counted = 0;
        for (var cursor = new TreeCursor(root, []); cursor.IsValid; cursor.MoveNext(), i++)
        {
            var (key, (value, isCounted)) = model[i];
            Assert.Equal(key, Given.Text(cursor.KeyMemory));
            Assert.Equal(value, cursor.Value.ToArray());
            Assert.Equal(isCounted, cursor.IsCounted);
            Assert.Equal(counted, TreeReader.Rank(root, cursor.Key));
            Assert.True(TreeReader.TryFind(root, Given.Bytes(key), out _, out _));
            counted += isCounted ? 1 : 0;
        }

        Assert.Equal(model.Length, i);
        Assert.Equal(counted, root.CountedEntries);
        Assert.False(TreeReader.TryFind(root, "abd"u8, out _, out _));
    }
}
