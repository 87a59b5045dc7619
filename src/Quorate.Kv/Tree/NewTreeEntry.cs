namespace Quorate.Kv.Tree;

/// <summary>An entry to be written to a page. Its value may consist of parts, which avoids a copy to concatenate them.</summary>
internal readonly ref struct NewTreeEntry
{
    private readonly ReadOnlySpan<byte> _valueStart;
    private readonly ReadOnlySpan<byte> _valueMiddle;
    private readonly ReadOnlySpan<byte> _valueEnd;

    public NewTreeEntry(
        ReadOnlySpan<byte> key, bool isCounted,
        ReadOnlySpan<byte> valueStart, ReadOnlySpan<byte> valueMiddle = default, ReadOnlySpan<byte> valueEnd = default)
    {
        Key = key;
        IsCounted = isCounted;
        _valueStart = valueStart;
        _valueMiddle = valueMiddle;
        _valueEnd = valueEnd;
        ValueLength = checked(valueStart.Length + valueMiddle.Length + valueEnd.Length);
        Size = checked(Varint.Size(KeyHeader) + Varint.Size((ulong)ValueLength) + key.Length + ValueLength);
    }

    public ReadOnlySpan<byte> Key { get; }

    public bool IsCounted { get; }

    public int ValueLength { get; }

    /// <summary>The size of the entry in the heap of a page.</summary>
    public int Size { get; }

    private ulong KeyHeader => ((ulong)Key.Length << 1) | (IsCounted ? 1ul : 0);

    public void WriteTo(Span<byte> target)
    {
        target = target[Varint.Write(target, KeyHeader)..];
        target = target[Varint.Write(target, (ulong)ValueLength)..];
        Key.CopyTo(target);
        target = target[Key.Length..];
        _valueStart.CopyTo(target);
        _valueMiddle.CopyTo(target[_valueStart.Length..]);
        _valueEnd.CopyTo(target[(_valueStart.Length + _valueMiddle.Length)..]);
    }
}
