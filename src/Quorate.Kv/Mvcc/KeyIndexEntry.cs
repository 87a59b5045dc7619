namespace Quorate.Kv.Mvcc;

/// <summary>The entry of one key in the key index: its newest version, without the value.</summary>
/// <remarks>
/// <code>
///   varint  main revision of the newest version
///   varint  its sub revision
///   varint  its version; 0 if it is a deletion
///   varint  main revision less the create revision; 0 for a deletion
///   varint  lease, zigzag-encoded
///   varint  its ordinal among the key's versions, from 1 (see VersionRecord)
///   varint  main revision of its skip link, 0 if none
///   varint  sub revision of its skip link
/// </code>
/// In memory only; the encoding may change with any release.
/// </remarks>
internal readonly record struct KeyIndexEntry(
    Revision Mod, long CreateRevision, long Version, long Lease, long Ordinal, Revision SkipLink)
{
    public const int BytesMax = 8 * Varint.BytesMax;

    public bool IsDeletion => Version == 0;

    /// <summary>The skip link of the next version: this version, if its ordinal is a multiple of the interval.</summary>
    public Revision NextSkipLink => Ordinal % VersionRecord.SkipLinkInterval == 0 ? Mod : SkipLink;

    public static KeyIndexEntry Read(ReadOnlySpan<byte> source)
    {
        var at = 0;
        var main = (long)Varint.Read(source, ref at);
        var sub = (int)Varint.Read(source, ref at);
        var version = (long)Varint.Read(source, ref at);
        var revisionsSinceCreate = (long)Varint.Read(source, ref at);
        var lease = Zigzag.Decode(Varint.Read(source, ref at));
        var ordinal = (long)Varint.Read(source, ref at);
        var skipMain = (long)Varint.Read(source, ref at);
        var skipSub = (int)Varint.Read(source, ref at);
        return new KeyIndexEntry(
            new Revision(main, sub), version == 0 ? 0 : main - revisionsSinceCreate, version, lease,
            ordinal, new Revision(skipMain, skipSub));
    }

    public ReadOnlySpan<byte> Write(Span<byte> target)
    {
        var at = Varint.Write(target, (ulong)Mod.Main);
        at += Varint.Write(target[at..], (ulong)Mod.Sub);
        at += Varint.Write(target[at..], (ulong)Version);
        at += Varint.Write(target[at..], IsDeletion ? 0 : (ulong)(Mod.Main - CreateRevision));
        at += Varint.Write(target[at..], Zigzag.Encode(Lease));
        at += Varint.Write(target[at..], (ulong)Ordinal);
        at += Varint.Write(target[at..], (ulong)SkipLink.Main);
        at += Varint.Write(target[at..], (ulong)SkipLink.Sub);
        return target[..at];
    }
}
