namespace Quorate.Kv;

/// <summary>The entries of one interval, as a linked list: adding and removing one takes constant time.</summary>
internal class KeyIntervalGroup<T>(KeyInterval keys)
{
    private KeyIntervalIndexEntry<T>? _first;

    public KeyInterval Keys { get; } = keys;

    public bool IsEmpty => _first is null;

    public void Add(KeyIntervalIndexEntry<T> entry)
    {
        entry.Group = this;
        entry.Next = _first;
        if (_first is not null)
            _first.Previous = entry;
        _first = entry;
    }

    public void Remove(KeyIntervalIndexEntry<T> entry)
    {
        if (entry.Previous is { } previous)
            previous.Next = entry.Next;
        else
            _first = entry.Next;
        if (entry.Next is { } next)
            next.Previous = entry.Previous;
        (entry.Group, entry.Next, entry.Previous) = (null, null, null);
    }

    /// <summary>Adds all values of the group to a list.</summary>
    public void CopyTo(List<T> target)
    {
        for (var entry = _first; entry is not null; entry = entry.Next)
            target.Add(entry.Value);
    }
}
