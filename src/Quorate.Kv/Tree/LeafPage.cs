using System.Diagnostics;

namespace Quorate.Kv.Tree;

/// <summary>
/// A page of entries: one heap of bytes, and a slot for each entry, in key order, with the offset of the entry in the heap.
/// </summary>
/// <remarks>
/// <code>
///   heap   | entry | entry | (dead) | entry | ……… free ……… |        append-only, up to _usedBytes
///   slots    2  0  1                                             sorted by key
///
///   entry  varint  length of the key * 2 + (1 if counted)
///          varint  length of the value
///          key, value
/// </code>
/// Bytes below <c>_usedBytes</c> never change, so a page and the copies that later batches make of it share one heap: each sees the part
/// that its own slots refer to, and only the newest copy appends (there is one, because there is one writer). Changing an entry therefore
/// costs a copy of the slots, not of the page, and a slice of the heap that was returned never changes. When the heap is full, the live
/// entries are copied to a new one.
/// </remarks>
internal sealed class LeafPage : Page
{
    private const int SlotsSlack = 8;

    private readonly byte[] _heap;
    private int _usedBytes;
    private int _deadBytes;
    private int[] _slots;
    private int _count;

    public LeafPage(long batchId, int heapBytes, int slots = 0)
        : base(batchId)
    {
        _heap = heapBytes == 0 ? [] : GC.AllocateUninitializedArray<byte>(heapBytes);
        _slots = slots == 0 ? [] : new int[slots];
    }

    private LeafPage(long batchId, LeafPage from)
        : base(batchId)
    {
        _heap = from._heap;
        _usedBytes = from._usedBytes;
        _deadBytes = from._deadBytes;
        _count = from._count;
        _slots = new int[_count + SlotsSlack];
        from._slots.AsSpan(0, _count).CopyTo(_slots);
        CountedEntries = from.CountedEntries;
    }

    public int Count => _count;

    public int LiveBytes => _usedBytes - _deadBytes;

    public int DeadBytes => _deadBytes;

    public int HeapBytes => _heap.Length;

    /// <summary>Returns this page, or a copy that the batch may change.</summary>
    public LeafPage GetWritable(long batchId) => BatchId == batchId ? this : new LeafPage(batchId, this);

    /// <summary>Returns the slot of the first key that is not less than <paramref name="key"/>.</summary>
    public int Find(ReadOnlySpan<byte> key, out bool found)
    {
        var low = 0;
        var high = _count;
        found = false;
        while (low < high)
        {
            var middle = (low + high) >>> 1;
            var order = key.SequenceCompareTo(Key(middle));
            if (order > 0)
            {
                low = middle + 1;
                continue;
            }

            high = middle;
            found |= order == 0;
        }

        return low;
    }

    public ReadOnlySpan<byte> Key(int i)
    {
        var entry = Entry(i);
        return _heap.AsSpan(entry.KeyAt, entry.KeyLength);
    }

    public ReadOnlyMemory<byte> KeyMemory(int i)
    {
        var entry = Entry(i);
        return _heap.AsMemory(entry.KeyAt, entry.KeyLength);
    }

    public ReadOnlyMemory<byte> Value(int i)
    {
        var entry = Entry(i);
        return _heap.AsMemory(entry.KeyAt + entry.KeyLength, entry.ValueLength);
    }

    public bool IsCounted(int i) => (_heap[_slots[i]] & 1) != 0;

    public long Rank(int i)
    {
        long counted = 0;
        for (var j = 0; j < i; j++)
            counted += _heap[_slots[j]] & 1;
        return counted;
    }

    /// <summary>Sets an entry at slot i: replaces the entry there, or inserts before it. Returns false when the heap is full.</summary>
    public bool TrySet(int i, bool replace, in NewTreeEntry entry)
    {
        var size = entry.Size;
        if (_heap.Length - _usedBytes < size)
            return false;
        if (replace)
            MarkDead(i);
        else
            InsertSlot(i);
        _slots[i] = _usedBytes;
        entry.WriteTo(_heap.AsSpan(_usedBytes, size));
        _usedBytes += size;
        CountedEntries += entry.IsCounted ? 1 : 0;
        return true;
    }

    /// <summary>Adds an entry behind all others. The heap must have room for it.</summary>
    public void Append(in NewTreeEntry entry)
    {
        if (!TrySet(_count, replace: false, entry))
            throw new UnreachableException(
                $"an entry of {entry.Size} bytes does not fit into a page with {_heap.Length - _usedBytes} free");
    }

    /// <summary>Removes entry i. Its bytes stay in the heap, dead, until the page is rewritten.</summary>
    public void Remove(int i)
    {
        MarkDead(i);
        _slots.AsSpan(i + 1, _count - i - 1).CopyTo(_slots.AsSpan(i));
        _count--;
    }

    /// <summary>Appends entries of another page, as bytes.</summary>
    public void CopyFrom(LeafPage source, int first, int count)
    {
        if (_slots.Length < _count + count)
            Array.Resize(ref _slots, _count + count + SlotsSlack);
        for (var i = first; i < first + count; i++)
        {
            var at = source._slots[i];
            var size = source.SizeOf(i);
            source._heap.AsSpan(at, size).CopyTo(_heap.AsSpan(_usedBytes));
            _slots[_count++] = _usedBytes;
            _usedBytes += size;
            CountedEntries += _heap[_usedBytes - size] & 1;
        }
    }

    public int SizeOf(int i)
    {
        var entry = Entry(i);
        return entry.KeyAt + entry.KeyLength + entry.ValueLength - _slots[i];
    }

    /// <summary>Checks every invariant above, for the tests.</summary>
    public void CheckInvariants()
    {
        long counted = 0;
        var live = 0;
        for (var i = 0; i < _count; i++)
        {
            counted += IsCounted(i) ? 1 : 0;
            live += SizeOf(i);
            if (i > 0 && Key(i - 1).SequenceCompareTo(Key(i)) >= 0)
                throw new UnreachableException("the keys of a leaf page are not ascending");
        }

        if (counted != CountedEntries || live != LiveBytes || _usedBytes > _heap.Length)
            throw new UnreachableException(
                $"a leaf page records {CountedEntries} counted entries and {LiveBytes} live bytes, but has {counted} and {live}");
    }

    private void MarkDead(int i)
    {
        _deadBytes += SizeOf(i);
        CountedEntries -= _heap[_slots[i]] & 1;
    }

    private void InsertSlot(int i)
    {
        if (_count == _slots.Length)
            Array.Resize(ref _slots, _count + int.Max(SlotsSlack, _count / 2));
        _slots.AsSpan(i, _count - i).CopyTo(_slots.AsSpan(i + 1));
        _count++;
    }

    private (int KeyAt, int KeyLength, int ValueLength) Entry(int i)
    {
        var at = _slots[i];
        var keyLength = (int)(Varint.Read(_heap, ref at) >> 1);
        var valueLength = (int)Varint.Read(_heap, ref at);
        return (at, keyLength, valueLength);
    }
}
