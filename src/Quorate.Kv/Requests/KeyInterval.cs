namespace Quorate.Kv;

/// <summary>The keys of a request: one key, the keys of [start, end), or every key from a start on.</summary>
/// <remarks>
/// Shape: etcd expresses the same with a key and a <c>range_end</c>: no end selects the one key, an end of one zero byte selects the key
/// and all after it, anything else is the exclusive end. Only <see cref="FromWire"/> interprets that convention, because in etcd permission
/// check, index and watch once interpreted it differently, and a client allowed to read one key could watch all keys (GHSA-xg4h-6gfc-h4m8).
/// Keys are ordered byte by byte. An interval whose end is not after its start is empty, which is not an error. Two intervals are compared
/// by content, see <see cref="Equals(KeyInterval)"/>.
/// </remarks>
public readonly struct KeyInterval : IEquatable<KeyInterval>
{
    private static readonly byte[] Zero = [0];

    private readonly KeyIntervalKind _kind;

    private KeyInterval(KeyIntervalKind kind, ReadOnlyMemory<byte> start, ReadOnlyMemory<byte> end)
    {
        _kind = kind;
        Start = start;
        End = end;
    }

    /// <summary>Contains every key.</summary>
    public static KeyInterval All => From(Zero);

    /// <summary>The kind: one key, [start, end), or all keys from the start on.</summary>
    public KeyIntervalKind Kind => _kind;

    /// <summary>The smallest key the interval may contain.</summary>
    public ReadOnlyMemory<byte> Start { get; }

    /// <summary>The exclusive end; empty unless <see cref="Kind"/> is <see cref="KeyIntervalKind.Range"/>.</summary>
    public ReadOnlyMemory<byte> End { get; }

    /// <summary>Whether the interval contains no key, because the end is not after the start.</summary>
    public bool IsEmpty => _kind == KeyIntervalKind.Range && Start.Span.SequenceCompareTo(End.Span) >= 0;

    /// <summary>Whether the interval contains every key.</summary>
    public bool IsAll => _kind == KeyIntervalKind.From && Start.Span.SequenceCompareTo(Zero) <= 0;

    /// <summary>The <c>range_end</c> of this interval in etcd's API.</summary>
    public ReadOnlyMemory<byte> WireEnd => _kind == KeyIntervalKind.From ? Zero : End;

    /// <summary>Creates an interval of one key.</summary>
    public static KeyInterval Single(ReadOnlyMemory<byte> key) => new(KeyIntervalKind.Single, key, default);

    /// <summary>Creates the interval [start, end).</summary>
    public static KeyInterval Range(ReadOnlyMemory<byte> start, ReadOnlyMemory<byte> end) => new(KeyIntervalKind.Range, start, end);

    /// <summary>Creates the interval of the start and every key after it.</summary>
    public static KeyInterval From(ReadOnlyMemory<byte> start) => new(KeyIntervalKind.From, start, default);

    /// <summary>Creates the interval of every key that begins with <paramref name="prefix"/>.</summary>
    public static KeyInterval Prefix(ReadOnlyMemory<byte> prefix)
    {
        var last = prefix.Span.LastIndexOfAnyExcept((byte)0xff);
        if (last < 0)
            return From(prefix.IsEmpty ? Zero : prefix);
        var end = prefix[..(last + 1)].ToArray();
        end[last]++;
        return Range(prefix, end);
    }

    /// <summary>Creates an interval by etcd's convention: no end, an end of one zero byte, or an exclusive end.</summary>
    /// <remarks>
    /// An empty end cannot be distinguished from a missing one, and selects the one key. Source: etcd v3 API, RangeRequest.
    /// </remarks>
    public static KeyInterval FromWire(ReadOnlyMemory<byte> key, ReadOnlyMemory<byte> rangeEnd) => rangeEnd.Span switch
    {
        [] => Single(key),
        [0] => From(key),
        _ => Range(key, rangeEnd),
    };

    /// <summary>Whether the interval contains <paramref name="key"/>.</summary>
    public bool Contains(ReadOnlySpan<byte> key)
    {
        var order = key.SequenceCompareTo(Start.Span);
        return _kind switch
        {
            KeyIntervalKind.Single => order == 0,
            KeyIntervalKind.From => order >= 0,
            KeyIntervalKind.Range => order >= 0 && key.SequenceCompareTo(End.Span) < 0,
            _ => throw new InvalidOperationException($"unknown interval kind {_kind}"),
        };
    }

    /// <summary>Whether the interval contains every key of <paramref name="inner"/>. Every interval contains an empty one.</summary>
    public bool Contains(KeyInterval inner)
    {
        if (inner.IsEmpty)
            return true;
        if (inner.Kind == KeyIntervalKind.Single)
            return Contains(inner.Start.Span);
        if (Kind == KeyIntervalKind.Single || inner.Start.Span.SequenceCompareTo(Start.Span) < 0)
            return false;
        return Kind == KeyIntervalKind.From || (inner.Kind == KeyIntervalKind.Range && inner.End.Span.SequenceCompareTo(End.Span) <= 0);
    }

    /// <inheritdoc/>
    public bool Equals(KeyInterval other) =>
        _kind == other._kind && Start.Span.SequenceEqual(other.Start.Span) && End.Span.SequenceEqual(other.End.Span);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is KeyInterval other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        var hash = (int)_kind;
        foreach (var b in Start.Span)
            hash = unchecked((hash * 31) + b);
        foreach (var b in End.Span)
            hash = unchecked((hash * 31) + b);
        return hash;
    }

    /// <summary>Whether two intervals have the same content.</summary>
    public static bool operator ==(KeyInterval a, KeyInterval b) => a.Equals(b);

    /// <summary>Whether two intervals differ in content.</summary>
    public static bool operator !=(KeyInterval a, KeyInterval b) => !a.Equals(b);

    /// <summary>Formats the bounds in hexadecimal.</summary>
    public override string ToString() => _kind switch
    {
        KeyIntervalKind.Single => Convert.ToHexString(Start.Span),
        KeyIntervalKind.From => $"[{Convert.ToHexString(Start.Span)}, …)",
        _ => $"[{Convert.ToHexString(Start.Span)}, {Convert.ToHexString(End.Span)})",
    };
}

/// <summary>The kinds of a <see cref="KeyInterval"/>.</summary>
public enum KeyIntervalKind : byte
{
    /// <summary>One key.</summary>
    Single = 0,

    /// <summary>The keys from a start to an exclusive end.</summary>
    Range = 1,

    /// <summary>A start and every key after it.</summary>
    From = 2,
}
