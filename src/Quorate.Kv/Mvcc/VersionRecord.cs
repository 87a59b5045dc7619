namespace Quorate.Kv.Mvcc;

/// <summary>One version of one key, or its deletion, as stored in the history under its revision.</summary>
/// <remarks>
/// <code>
///   varint  version; 0 if this is a deletion
///   varint  main revision less the create revision; 0 for a deletion
///   varint  lease, zigzag-encoded
///   varint  main revision less that of the previous version, plus 1; 0 if there is none
///   varint  sub revision of the previous version
///   varint  main revision less that of the skip link, plus 1; 0 if there is none
///   varint  sub revision of the skip link
///   varint  length of the key
///   key, value
///
///   ordinal     1   2   …  63  64  65  66   …  128  129  130        of one key's versions
///   previous    ·   1      62  63  64  65      127  128  129        one version back
///   skip link   ·   ·       ·   ·  64  64       64  128  128        the last multiple of 64 before
/// </code>
/// A search for an old version of a key with a million versions follows skip links first, then single links. A link may lead to a version
/// that a compaction removed; that version is then older than any readable one. In memory only; the encoding may change with any release.
/// </remarks>
internal readonly record struct VersionRecord(KeyValue Kv, Revision Previous, Revision SkipLink)
{
    public const int SkipLinkInterval = 64;

    /// <summary>The maximum number of bytes that <see cref="WriteHeader"/> writes.</summary>
    public const int HeaderBytesMax = 8 * Varint.BytesMax;

    public bool IsDeletion => Kv.Version == 0;

    /// <summary>Bytes that a version adds to the size of the store in addition to its key and value.</summary>
    public const int OverheadBytes = 64;

    public static VersionRecord Read(Revision revision, ReadOnlyMemory<byte> source)
    {
        var span = source.Span;
        var at = 0;
        var version = (long)Varint.Read(span, ref at);
        var revisionsSinceCreate = (long)Varint.Read(span, ref at);
        var lease = Zigzag.Decode(Varint.Read(span, ref at));
        var previous = ReadLink(revision, span, ref at);
        var skipLink = ReadLink(revision, span, ref at);
        var keyLength = (int)Varint.Read(span, ref at);
        var kv = new KeyValue(
            source.Slice(at, keyLength), source[(at + keyLength)..],
            version == 0 ? 0 : revision.Main - revisionsSinceCreate, revision.Main, version, lease);
        return new VersionRecord(kv, previous, skipLink);
    }

    /// <summary>Writes everything except the key and the value, which follow.</summary>
    public static ReadOnlySpan<byte> WriteHeader(Span<byte> target, in KeyIndexEntry key, Revision previous, int keyLength)
    {
        var at = Varint.Write(target, (ulong)key.Version);
        at += Varint.Write(target[at..], key.IsDeletion ? 0 : (ulong)(key.Mod.Main - key.CreateRevision));
        at += Varint.Write(target[at..], Zigzag.Encode(key.Lease));
        at += WriteLink(target[at..], key.Mod, previous);
        at += WriteLink(target[at..], key.Mod, key.SkipLink);
        at += Varint.Write(target[at..], (ulong)keyLength);
        return target[..at];
    }

    private static Revision ReadLink(Revision from, ReadOnlySpan<byte> span, ref int at)
    {
        var back = (long)Varint.Read(span, ref at);
        var sub = (int)Varint.Read(span, ref at);
        return back == 0 ? default : new Revision(from.Main - back + 1, sub);
    }

    private static int WriteLink(Span<byte> target, Revision from, Revision to)
    {
        var at = Varint.Write(target, to.IsNone ? 0 : (ulong)(from.Main - to.Main + 1));
        return at + Varint.Write(target[at..], (ulong)to.Sub);
    }
}
