using Quorate.Kv;
using Quorate.Kv.Mvcc;
using Quorate.Kv.Tree;
using Quorate.Raft;

namespace Quorate.Verification.Simulation.Store;

/// <summary>A digest over the sequence of all states of a store and a list.</summary>
/// <remarks>
/// Two state machines whose states ever differed have different digests from then on. After each command the digest adds what the command
/// changed: the versions of its revision, the records of their keys in the key index, and the counts of keys, leases and bytes. The hash of
/// the whole store, which takes time, is added only every <see cref="EntriesPerFullHash"/> entries.
/// </remarks>
internal struct StoreStateDigest
{
    private const ulong EntriesPerFullHash = 2048;

    private Digest _digest;
    private long _revision;

    /// <summary>Continues a digest of the states up to one with this revision.</summary>
    public StoreStateDigest(ulong value, long revision) => (_digest, _revision) = (new Digest(value), revision);

    public readonly ulong Value => _digest.Value;

    /// <summary>The revision of the last state.</summary>
    public readonly long Revision => _revision;

    /// <summary>
    /// Returns a digest over everything in one state: all versions, links and leases, and how far a compaction has swept, which no read
    /// shows.
    /// </summary>
    public static ulong OfWhole(KvStore store, AppendOnlyList list)
    {
        var digest = default(Digest);
        var view = store.View;
        digest.Add(list.Digest, (ulong)list.Length, (ulong)view.Revision, (ulong)view.CompactRevision);
        digest.Add((ulong)store.SweptUpTo.Main, (ulong)store.SweptUpTo.Sub, (ulong)store.SizeBytes, (ulong)view.KeyCount);
        digest.Add(
            (ulong)view.Leases.Clock.Milliseconds, view.Leases.Clock.LastAdvance.Value, view.Leases.Clock.PreviousAdvance.Value,
            (ulong)view.Leases.Count);
        foreach (var root in new[] { view.Keys, view.History, view.Leases.Leases, view.Leases.Attached })
        {
            for (var cursor = new TreeCursor(root, []); cursor.IsValid; cursor.MoveNext())
            {
                digest.Add(cursor.Key);
                digest.Add(cursor.Value.Span);
            }

            digest.Add((ulong)root.CountedEntries);
        }

        return digest.Value;
    }

    /// <summary>Adds the state after an entry was applied.</summary>
    public void Add(LogIndex entry, KvStore store, AppendOnlyList list)
    {
        var view = store.View;
        _digest.Add(entry.Value, list.Digest, (ulong)view.Revision, (ulong)view.CompactRevision);
        _digest.Add((ulong)view.KeyCount, (ulong)view.Leases.Count, (ulong)store.SizeBytes);
        if (view.Revision != _revision)
            AddChanges(view);
        _revision = view.Revision;
        if (entry.Value % EntriesPerFullHash == 0)
            _digest.Add(store.Hash());
    }

    private void AddChanges(in MvccView view)
    {
        for (var sub = 0; view.TryGetVersion(new Revision(view.Revision, sub), out var version); sub++)
        {
            _digest.Add(version.Kv);
            Add(version.Previous, version.SkipLink);
            if (!view.TryGetRecord(version.Kv.Key.Span, out var newest))
                continue;
            Add(newest.Mod, newest.SkipLink);
            _digest.Add((ulong)newest.Ordinal, (ulong)newest.CreateRevision, (ulong)newest.Version, (ulong)newest.Lease);
        }
    }

    private void Add(Revision a, Revision b) => _digest.Add((ulong)a.Main, (ulong)a.Sub, (ulong)b.Main, (ulong)b.Sub);
}
