namespace Quorate.Kv;

/// <summary>A value in a <see cref="KeyIntervalIndex{T}"/>: what <see cref="KeyIntervalIndex{T}.Remove"/> needs to remove it.</summary>
public sealed class KeyIntervalIndexEntry<T>
{
    internal KeyIntervalIndexEntry(T value) => Value = value;

    /// <summary>The value.</summary>
    public T Value { get; }

    /// <summary>The entries of the same interval; null when the entry was removed.</summary>
    internal KeyIntervalGroup<T>? Group { get; set; }

    internal KeyIntervalIndexEntry<T>? Next { get; set; }

    internal KeyIntervalIndexEntry<T>? Previous { get; set; }
}
