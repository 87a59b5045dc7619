namespace Quorate.Kv;

/// <summary>Finds the values whose interval contains a key, for example the watchers of a key that has changed.</summary>
/// <remarks>
/// Shape: single keys are found by their hash, ranges in an interval tree (<see cref="KeyIntervalTree{T}"/>); values of equal intervals
/// share one place. A value may be added more than once. Cost: adding and removing takes O(log n), finding O(log n) for each distinct
/// interval found, however many others there are; both in expectation over <c>seed</c>.
/// Threading: one caller at a time.
/// </remarks>
/// <param name="seed">
/// Chooses the hash function and the shape of the tree. Where clients choose the intervals it must be unpredictable, so that they cannot
/// choose keys that collide. It affects the order of the values found, and nothing else.
/// </param>
public sealed class KeyIntervalIndex<T>(ulong seed)
{
    private readonly Dictionary<ReadOnlyMemory<byte>, KeyIntervalGroup<T>> _keys = new(new SeededKeyComparer(seed));
    private readonly KeyIntervalTree<T> _ranges = new(seed);

    /// <summary>The number of values.</summary>
    public int Count { get; private set; }

    /// <summary>Adds a value. The bytes of the interval are not copied and must not change.</summary>
    /// <returns>The entry by which the value is removed.</returns>
    public KeyIntervalIndexEntry<T> Add(KeyInterval keys, T value)
    {
        var entry = new KeyIntervalIndexEntry<T>(value);
        GetOrAddGroup(keys).Add(entry);
        Count++;
        return entry;
    }

    /// <summary>Removes a value; returns false if it was removed before.</summary>
    public bool Remove(KeyIntervalIndexEntry<T> entry)
    {
        if (entry.Group is not { } group)
            return false;
        group.Remove(entry);
        Count--;
        if (!group.IsEmpty)
            return true;

        if (group.Keys.Kind == KeyIntervalKind.Single)
            _keys.Remove(group.Keys.Start);
        else
            _ranges.Remove(group.Keys);
        return true;
    }

    /// <summary>Adds to a list every value whose interval contains <paramref name="key"/>, in no particular order.</summary>
    public void Find(ReadOnlySpan<byte> key, List<T> target)
    {
        if (_keys.Count > 0 && _keys.GetAlternateLookup<ReadOnlySpan<byte>>().TryGetValue(key, out var group))
            group.CopyTo(target);
        _ranges.Find(key, target);
    }

    /// <summary>Adds every value to a list, in no particular order.</summary>
    public void CopyTo(List<T> target)
    {
        foreach (var group in _keys.Values)
            group.CopyTo(target);
        _ranges.CopyTo(target);
    }

    /// <summary>The number of nodes on the longest path of the tree of ranges, for tests of its balance.</summary>
    internal int MeasureDepth() => _ranges.MeasureDepth();

    private KeyIntervalGroup<T> GetOrAddGroup(KeyInterval keys)
    {
        if (keys.Kind != KeyIntervalKind.Single)
            return _ranges.GetOrAdd(keys);
        if (!_keys.TryGetValue(keys.Start, out var group))
            _keys.Add(keys.Start, group = new KeyIntervalGroup<T>(keys));
        return group;
    }
}
