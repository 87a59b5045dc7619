namespace Quorate.Kv.Mvcc;

/// <summary>One version of one key, or its deletion, as the history keeps it under its revision.</summary>
/// <remarks><code>
///   varint  version; 0 if this is a deletion
///   varint  main revision less the create revision; 0 for a deletion
///   varint  lease, zigzagged
///   varint  main revision less that of the version before, plus 1; 0 if there is none
///   varint  sub revision of the version before
///   varint  main revision less that of the anchor, plus 1; 0 if there is none
///   varint  sub revision of the anchor
///   varint  length of the key
///   key, value
///
///   number   1   2   …  63  64  65  66   …  128  129  130        of one key's versions
///   before   ·   1      62  63  64  65      127  128  129        one step back
///   anchor   ·   ·       ·   ·  64  64       64  128  128        the last 64th before
/// </code>
/// Who looks for an old version of a key that was put a million times goes back by anchors first, then by single steps.
/// A step may lead to a version that a compaction removed; it is then older than anything that may be asked for.
/// In memory only; it may change with any release.
/// </remarks>
internal readonly record struct VersionRecord(KeyValue Kv, Revision Previous, Revision SkipLink)
{
    public const int SkipLinkInterval = 64;

    /// <summary>The most that <see cref="WriteHeader"/> writes.</summary>
    public const int HeaderBytesMax = 8 * Varint.BytesMax;

    public bool IsDeletion => Kv.Version == 0;

    /// <summary>What one version counts for in the size of the store, beside its key and value.</summary>
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
            source.Slice(at, keyLength), source[(at + keyLength)..], version == 0 ? 0 : revision.Main - revisionsSinceCreate, revision.Main, version, lease);
        return new VersionRecord(kv, previous, skipLink);
    }

    /// <summary>Writes everything but the key and the value, which follow.</summary>
    public static ReadOnlySpan<byte> WriteHeader(Span<byte> target, in KeyRecord key, Revision previous, int keyLength)
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
