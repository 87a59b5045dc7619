namespace Quorate.Kv.Tree;

/// <summary>An entry on its way into a page. Its value may come in parts, so that nobody has to join them first.</summary>
internal readonly ref struct NewEntry
{
    private readonly ReadOnlySpan<byte> _head;
    private readonly ReadOnlySpan<byte> _middle;
    private readonly ReadOnlySpan<byte> _tail;

    public NewEntry(
        ReadOnlySpan<byte> key, bool counted, ReadOnlySpan<byte> head, ReadOnlySpan<byte> middle = default, ReadOnlySpan<byte> tail = default)
    {
        Key = key;
        Counted = counted;
        _head = head;
        _middle = middle;
        _tail = tail;
        ValueLength = checked(head.Length + middle.Length + tail.Length);
        Size = checked(Varint.Size(KeyHeader) + Varint.Size((ulong)ValueLength) + key.Length + ValueLength);
    }

    public ReadOnlySpan<byte> Key { get; }

    public bool Counted { get; }

    public int ValueLength { get; }

    /// <summary>What it takes in the heap of a page.</summary>
    public int Size { get; }

    private ulong KeyHeader => ((ulong)Key.Length << 1) | (Counted ? 1ul : 0);

    public void WriteTo(Span<byte> target)
    {
        target = target[Varint.Write(target, KeyHeader)..];
        target = target[Varint.Write(target, (ulong)ValueLength)..];
        Key.CopyTo(target);
        target = target[Key.Length..];
        _head.CopyTo(target);
        _middle.CopyTo(target[_head.Length..]);
        _tail.CopyTo(target[(_head.Length + _middle.Length)..]);
    }
}
