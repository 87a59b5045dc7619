using Quorate.Kv.Leases;
using Quorate.Kv.Tree;

namespace Quorate.Kv.Mvcc;

/// <summary>The one who changes the store: a transaction at a time, each with one revision, batches of them frozen for readers.</summary>
internal sealed class MvccWriter
{
    /// <summary>Page of the index: small, because puts at random places copy much of what they touch.</summary>
    public const int KeyPageBytes = 4096;

    /// <summary>Page of the history: large, because it grows at its end, and whole pages are read one after the other.</summary>
    public const int HistoryPageBytes = 16384;

    private readonly PageTree _keys = new(KeyPageBytes);
    private readonly PageTree _history = new(HistoryPageBytes);
    private Revision _sweptUpTo;
    private int _changes;
    private long _versionBytes;

    /// <summary>The newest finished transaction. An empty store is at 1, as etcd's.</summary>
    public long Revision { get; private set; } = 1;

    /// <summary>What can be read is from here on; -1 as long as nothing was compacted, as in etcd.</summary>
    public long CompactRevision { get; private set; } = -1;

    /// <summary>Whether nothing remains in the history that compaction took away.</summary>
    public bool IsSwept => CompactRevision < 0 || _sweptUpTo == EndOf(CompactRevision);

    /// <summary>The leases. What is attached to them is kept up by <see cref="Put"/> and <see cref="Delete"/>.</summary>
    public LeaseTable Leases { get; } = new();

    /// <summary>Bytes of all versions that are still there, and of the leases.</summary>
    public long SizeBytes => _versionBytes + Leases.SizeBytes;

    /// <summary>The revision that changes of the transaction at work have, or would have.</summary>
    private long NextRevision => Revision + 1;

    /// <summary>As it is now, with what the transaction at work has changed. Good until the next change.</summary>
    public MvccView View => new(_keys.Root, _history.Root, Leases.View, _changes > 0 ? NextRevision : Revision, CompactRevision);

    /// <summary>As it is, for good.</summary>
    public MvccView Freeze()
    {
        if (_changes != 0)
            throw new InvalidOperationException("a batch ends between transactions");
        return new MvccView(_keys.Freeze(), _history.Freeze(), Leases.Freeze(), Revision, CompactRevision);
    }

    /// <summary>Puts a key. <paramref name="newest"/> is what the index says of it, if it does.</summary>
    public void Put(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, long lease, KeyRecord? newest)
    {
        var mod = AllocateRevision();
        var created = newest is { IsDeletion: false } live ? live.CreateRevision : mod.Main;
        var version = (newest?.Version ?? 0) + 1;
        Write(key, value, new KeyRecord(mod, created, version, lease, 0, default), newest);
    }

    /// <summary>Deletes a key that exists.</summary>
    public void Delete(ReadOnlySpan<byte> key, in KeyRecord newest) =>
        Write(key, default, new KeyRecord(AllocateRevision(), 0, 0, 0, 0, default), newest);

    /// <summary>Ends a transaction: if it changed something it was a revision.</summary>
    public void EndTransaction()
    {
        if (_changes > 0)
            Revision = NextRevision;
        _changes = 0;
    }

    /// <summary>Takes away what only reads before <paramref name="revision"/> could see. The bytes go little by little, in <see cref="Sweep"/>.</summary>
    public KvError? Compact(long revision)
    {
        if (revision <= CompactRevision)
            return KvError.Compacted;
        if (revision > Revision)
            return KvError.FutureRevision;

        // Deletions of the old compact revision were spared, see Sweep: they are gone through once more.
        if (_sweptUpTo.Main == CompactRevision)
            _sweptUpTo = new Revision(CompactRevision, -1);
        CompactRevision = revision;
        return null;
    }

    /// <summary>
    /// Goes on removing what was compacted, for at most so many versions of the history: for each version at or below the compact revision the
    /// one before it, and the version itself if it is a deletion. A deletion of the compact revision itself stays until the next
    /// compaction: one may watch from that revision on and must be told of it (etcd #18089).
    /// </summary>
    /// <remarks>
    /// Why that is all: a version is out of sight when a later one of its key is at or below the compact revision too, and that later one
    /// comes by here and knows the one before it. What survived an earlier compaction goes when its successor comes by.
    /// </remarks>
    public void Sweep(int versionsMax)
    {
        if (IsSwept)
            return;

        var batch = new List<(Revision Revision, VersionRecord Version)>(int.Min(versionsMax, 256));
        var after = _sweptUpTo with { Sub = _sweptUpTo.Sub + 1 };
        var cursor = new TreeCursor(_history.Root, after.ToKey(stackalloc byte[Mvcc.Revision.KeyBytes]));
        while (batch.Count < versionsMax && cursor.IsValid)
        {
            var revision = Mvcc.Revision.FromKey(cursor.Key);
            if (revision.Main > CompactRevision)
                break;
            batch.Add((revision, VersionRecord.Read(revision, cursor.Value)));
            cursor.MoveNext();
        }

        foreach (var (revision, version) in batch)
        {
            if (!version.Previous.IsNone)
                RemoveVersion(version.Previous);
            if (version.IsDeletion && revision.Main < CompactRevision)
                RemoveTombstone(revision, version);
        }

        _sweptUpTo = batch.Count == versionsMax ? batch[^1].Revision : EndOf(CompactRevision);
    }

    private static Revision EndOf(long revision) => new(revision, int.MaxValue - 1);

    private Revision AllocateRevision() => new(NextRevision, _changes++);

    /// <summary>Adds a version to the history and points the index to it; it takes its number and anchor from the version before.</summary>
    private void Write(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, KeyRecord record, KeyRecord? previous)
    {
        record = record with { Ordinal = (previous?.Ordinal ?? 0) + 1, SkipLink = previous?.NextSkipLink ?? default };
        var header = VersionRecord.WriteHeader(stackalloc byte[VersionRecord.HeaderBytesMax], record, previous?.Mod ?? default, key.Length);
        _history.Set(new NewEntry(record.Mod.ToKey(stackalloc byte[Mvcc.Revision.KeyBytes]), isCounted: true, header, key, value));
        _keys.Set(new NewEntry(key, isCounted: !record.IsDeletion, record.Write(stackalloc byte[KeyRecord.BytesMax])));
        Leases.Move(key, from: previous?.Lease ?? 0, to: record.Lease);
        _versionBytes += key.Length + value.Length + VersionRecord.OverheadBytes;
    }

    private void RemoveVersion(Revision revision)
    {
        if (!View.TryGetVersion(revision, out var version))
            return;
        _history.Remove(revision.ToKey(stackalloc byte[Mvcc.Revision.KeyBytes]));
        _versionBytes -= version.Kv.Key.Length + version.Kv.Value.Length + VersionRecord.OverheadBytes;
    }

    private void RemoveTombstone(Revision revision, in VersionRecord tombstone)
    {
        var key = tombstone.Kv.Key.Span;
        if (View.TryGetRecord(key, out var newest) && newest.Mod == revision)
            _keys.Remove(key);
        RemoveVersion(revision);
    }
}
