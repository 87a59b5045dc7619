using Quorate.Kv.Leases;
using Quorate.Kv.Tree;

namespace Quorate.Kv.Mvcc;

/// <summary>A read-only view of the store: its roots and two revisions.</summary>
/// <remarks>
/// <paramref name="Keys"/> maps a key to its newest version (<see cref="KeyIndexEntry"/>) and counts the existing keys;
/// <paramref name="History"/> maps a revision to its version (<see cref="VersionRecord"/>). Invariant: the version that the index names for
/// a key is in the history. Inside a transaction that has changed something, <paramref name="Revision"/> is already the new one.
/// </remarks>
internal readonly record struct MvccView(Page Keys, Page History, LeaseView Leases, long Revision, long CompactRevision)
{
    /// <summary>The number of existing keys.</summary>
    public long KeyCount => Keys.CountedEntries;

    /// <summary>Returns why the store cannot be read at a revision, or null if it can; 0 or less is the newest revision.</summary>
    public KvError? CheckRevision(long revision)
    {
        if (revision > Revision)
            return KvError.FutureRevision;
        return revision > 0 && revision < CompactRevision ? KvError.Compacted : null;
    }

    /// <summary>Finds the newest version of a key, which may be a deletion.</summary>
    public bool TryGetRecord(ReadOnlySpan<byte> key, out KeyIndexEntry record)
    {
        if (!TreeReader.TryFind(Keys, key, out var leaf, out var slot))
        {
            record = default;
            return false;
        }

        record = KeyIndexEntry.Read(leaf.Value(slot).Span);
        return true;
    }

    /// <summary>Returns the newest value of a key, or null.</summary>
    public KeyValue? Get(ReadOnlySpan<byte> key) =>
        TryGetRecord(key, out var record) && !record.IsDeletion ? Version(record.Mod).Kv : null;

    /// <summary>Returns the key as of <paramref name="revision"/>, or null.</summary>
    public KeyValue? GetAt(in KeyIndexEntry newest, long revision)
    {
        if (newest.Mod.Main <= revision)
            return newest.IsDeletion ? null : Version(newest.Mod).Kv;

        var earlier = newest.SkipLink.Main > revision ? newest.SkipLink : newest.Mod;
        while (earlier.Main > revision)
        {
            var version = Version(earlier);
            earlier = version.SkipLink.Main > revision ? version.SkipLink : version.Previous;
        }

        return !earlier.IsNone && TryGetVersion(earlier, out var found) && !found.IsDeletion ? found.Kv : null;
    }

    /// <summary>Finds the version with a revision; returns false if a compaction has removed it.</summary>
    public bool TryGetVersion(Revision revision, out VersionRecord version)
    {
        if (!TreeReader.TryFind(History, revision.ToKey(stackalloc byte[Mvcc.Revision.KeyBytes]), out var leaf, out var slot))
        {
            version = default;
            return false;
        }

        version = VersionRecord.Read(revision, leaf.Value(slot));
        return true;
    }

    /// <summary>Returns a version that must exist.</summary>
    public VersionRecord Version(Revision revision) => TryGetVersion(revision, out var version)
        ? version
        : throw new InvalidOperationException($"revision {revision.Main}.{revision.Sub} is in the key index but not in the history");

    /// <summary>Returns the number of existing keys in an interval without visiting them.</summary>
    public long Count(KeyInterval keys)
    {
        if (keys.IsEmpty)
            return 0;
        if (keys.Kind == KeyIntervalKind.Single)
            return TryGetRecord(keys.Start.Span, out var record) && !record.IsDeletion ? 1 : 0;
        var below = TreeReader.Rank(Keys, keys.Start.Span);
        return (keys.Kind == KeyIntervalKind.From ? Keys.CountedEntries : TreeReader.Rank(Keys, keys.End.Span)) - below;
    }
}
