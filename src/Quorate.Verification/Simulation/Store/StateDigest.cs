using Quorate.Kv;
using Quorate.Kv.Mvcc;
using Quorate.Raft;

namespace Quorate.Verification.Simulation.Store;

/// <summary>A digest of every state that a store and a list have been in, one after another.</summary>
/// <remarks>
/// Two machines that ever differed have different ones from then on. After each command it takes in what that command has changed: the versions of its revision, what the index of
/// keys says of each, and how much there is of everything; the whole store, which takes time, only every so many entries.
/// </remarks>
internal struct StateDigest
{
    private const ulong EntriesPerFullHash = 2048;

    private Digest _digest;
    private long _revision;

    public readonly ulong Value => _digest.Value;

    /// <summary>An entry was applied.</summary>
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
