namespace Quorate.Kv;

/// <summary>Which keys a request is about: one key, the keys of [start, end), or every key from a start on.</summary>
/// <remarks>
/// Shape: etcd says the same with a key and a <c>range_end</c>: no end is the one key, an end of one zero byte is "from the key on", anything
/// else is the exclusive end. That convention is read in <see cref="FromWire"/> and nowhere else, because permission check, index and
/// watch once read it differently and a reader of one key could watch all of them (GHSA-xg4h-6gfc-h4m8). Keys are ordered byte by byte.
/// An interval whose end is not after its start holds nothing; that is no error. Two intervals compare by <see cref="Equals(KeyInterval)"/>,
/// by content.
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

    /// <summary>Every key.</summary>
    public static KeyInterval All => From(Zero);

    /// <summary>One key, [start, end), or from the start on.</summary>
    public KeyIntervalKind Kind => _kind;

    /// <summary>The least key the interval may hold.</summary>
    public ReadOnlyMemory<byte> Start { get; }

    /// <summary>The first key that is no longer in it; empty unless <see cref="Kind"/> is <see cref="KeyIntervalKind.Range"/>.</summary>
    public ReadOnlyMemory<byte> End { get; }

    /// <summary>Whether it holds no key at all, because the end is not after the start.</summary>
    public bool IsEmpty => _kind == KeyIntervalKind.Range && Start.Span.SequenceCompareTo(End.Span) >= 0;

    /// <summary>Whether every key is in it.</summary>
    public bool IsAll => _kind == KeyIntervalKind.From && Start.Span.SequenceCompareTo(Zero) <= 0;

    /// <summary>The <c>range_end</c> that says this interval to an etcd client.</summary>
    public ReadOnlyMemory<byte> WireEnd => _kind == KeyIntervalKind.From ? Zero : End;

    /// <summary>One key.</summary>
    public static KeyInterval Single(ReadOnlyMemory<byte> key) => new(KeyIntervalKind.Single, key, default);

    /// <summary>The keys of [start, end).</summary>
    public static KeyInterval Range(ReadOnlyMemory<byte> start, ReadOnlyMemory<byte> end) => new(KeyIntervalKind.Range, start, end);

    /// <summary>The start and every key after it.</summary>
    public static KeyInterval From(ReadOnlyMemory<byte> start) => new(KeyIntervalKind.From, start, default);

    /// <summary>Every key that begins with <paramref name="prefix"/>.</summary>
    public static KeyInterval Prefix(ReadOnlyMemory<byte> prefix)
    {
        var last = prefix.Span.LastIndexOfAnyExcept((byte)0xff);
        if (last < 0)
            return From(prefix.IsEmpty ? Zero : prefix);
        var end = prefix[..(last + 1)].ToArray();
        end[last]++;
        return Range(prefix, end);
    }

    /// <summary>Reads etcd's convention: no end, an end of one zero byte, or an exclusive end.</summary>
    /// <remarks>
    /// An end that was sent but is empty cannot be told from one that was not sent, and is the one key. Source: etcd v3 API, RangeRequest.
    /// </remarks>
    public static KeyInterval FromWire(ReadOnlyMemory<byte> key, ReadOnlyMemory<byte> rangeEnd) => rangeEnd.Span switch
    {
        [] => Single(key),
        [0] => From(key),
        _ => Range(key, rangeEnd),
    };

    /// <summary>Whether <paramref name="key"/> is in it.</summary>
    public bool Contains(ReadOnlySpan<byte> key)
    {
        var order = key.SequenceCompareTo(Start.Span);
        return _kind switch
        {
            KeyIntervalKind.Single => order == 0,
            KeyIntervalKind.From => order >= 0,
            KeyIntervalKind.Range => order >= 0 && key.SequenceCompareTo(End.Span) < 0,
            _ => throw new InvalidOperationException($"unknown kind of interval {_kind}"),
        };
    }

    /// <summary>Whether every key of <paramref name="inner"/> is in it. Nothing is inside everything.</summary>
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

    /// <summary>By content.</summary>
    public static bool operator ==(KeyInterval a, KeyInterval b) => a.Equals(b);

    /// <summary>By content.</summary>
    public static bool operator !=(KeyInterval a, KeyInterval b) => !a.Equals(b);

    /// <summary>The bounds in hexadecimal.</summary>
    public override string ToString() => _kind switch
    {
        KeyIntervalKind.Single => Convert.ToHexString(Start.Span),
        KeyIntervalKind.From => $"[{Convert.ToHexString(Start.Span)}, …)",
        _ => $"[{Convert.ToHexString(Start.Span)}, {Convert.ToHexString(End.Span)})",
    };
}

/// <summary>The three ways to say which keys.</summary>
public enum KeyIntervalKind : byte
{
    /// <summary>One key.</summary>
    Single = 0,

    /// <summary>From a start, up to but without an end.</summary>
    Range = 1,

    /// <summary>A start and every key after it.</summary>
    From = 2,
}
