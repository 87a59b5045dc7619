using Quorate.Kv.Leases;
using Quorate.Kv.Tree;

namespace Quorate.Kv.Mvcc;

/// <summary>
/// The single writer of the store. It executes one transaction at a time, each with one revision, and freezes batches of them for readers.
/// </summary>
internal sealed class MvccWriter
{
    /// <summary>Page size of the key index: small, because puts at random positions copy much of each page they change.</summary>
    public const int KeyPageBytes = 4096;

    /// <summary>Page size of the history: large, because it grows at its end, and whole pages are read in sequence.</summary>
    public const int HistoryPageBytes = 16384;

    private readonly PageTree _keys;
    private readonly PageTree _history;
    private Revision _sweptUpTo;
    private int _changes;
    private long _versionBytes;
    private ulong _writtenSum;
    private ulong _sweptSum;

    /// <summary>Creates the writer of an empty store.</summary>
    public MvccWriter()
        : this(new PageTree(KeyPageBytes), new PageTree(HistoryPageBytes), new LeaseTable())
    {
    }

    private MvccWriter(PageTree keys, PageTree history, LeaseTable leases) => (_keys, _history, Leases) = (keys, history, leases);

    /// <summary>The revision of the newest completed transaction. An empty store is at 1, as in etcd.</summary>
    public long Revision { get; private set; } = 1;

    /// <summary>The oldest revision that can be read; -1 before the first compaction, as in etcd.</summary>
    public long CompactRevision { get; private set; } = -1;

    /// <summary>Whether the history contains no more versions that a compaction has made unreadable.</summary>
    public bool IsSwept => CompactRevision < 0 || _sweptUpTo == EndOf(CompactRevision);

    /// <summary>The last version that the compaction in progress, or the last one, has swept.</summary>
    public Revision SweptUpTo => _sweptUpTo;

    /// <summary>The leases. <see cref="Put"/> and <see cref="Delete"/> maintain their attachments.</summary>
    public LeaseTable Leases { get; }

    /// <summary>Bytes of all versions that still exist, and of the leases.</summary>
    public long SizeBytes => _versionBytes + Leases.SizeBytes;

    /// <summary>The sums over the versions written and swept.</summary>
    public StateSums Sums => new(_writtenSum, _sweptSum, Leases.ChangesSum);

    /// <summary>
    /// A hash of the state: of every version ever written and every change of a lease. It depends neither on what a compaction has swept
    /// nor on whether the store was restored.
    /// </summary>
    public ulong StateHash => RecordHash.OfStore(_writtenSum, Leases.ChangesSum, Revision, CompactRevision, Leases.View.Clock);

    /// <summary>The revision of the changes that the current transaction makes.</summary>
    private long NextRevision => Revision + 1;

    /// <summary>The current state, including the changes of the current transaction. Valid until the next change.</summary>
    public MvccView View => new(_keys.Root, _history.Root, Leases.View, _changes > 0 ? NextRevision : Revision, CompactRevision);

    /// <summary>Creates the writer of a store from its parts.</summary>
    /// <param name="keys">The key index.</param>
    /// <param name="history">The versions.</param>
    /// <param name="leases">The leases.</param>
    /// <param name="revision">The newest revision.</param>
    /// <param name="compactRevision">The compact revision.</param>
    /// <param name="sweptUpTo">The value of <see cref="SweptUpTo"/>.</param>
    /// <param name="versionBytes">
    /// The bytes of the keys and values of all versions, with <see cref="VersionRecord.OverheadBytes"/> for each.
    /// </param>
    /// <param name="sums">The value of <see cref="Sums"/>.</param>
    public static MvccWriter Restore(
        PageTree keys, PageTree history, LeaseTable leases, long revision, long compactRevision, Revision sweptUpTo, long versionBytes,
        in StateSums sums) =>
        new(keys, history, leases)
        {
            Revision = revision, CompactRevision = compactRevision, _sweptUpTo = sweptUpTo, _versionBytes = versionBytes,
            _writtenSum = sums.Written, _sweptSum = sums.Swept,
        };

    /// <summary>The sweep position of a finished compaction; no later one is possible.</summary>
    public static Revision EndOf(long revision) => new(revision, int.MaxValue - 1);

    /// <summary>Returns the current state as an immutable view.</summary>
    public MvccView Freeze()
    {
        if (_changes != 0)
            throw new InvalidOperationException("a batch cannot be frozen inside a transaction");
        return new MvccView(_keys.Freeze(), _history.Freeze(), Leases.Freeze(), Revision, CompactRevision);
    }

    /// <summary>Puts a key. <paramref name="newest"/> is its record in the index, if it has one.</summary>
    public void Put(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, long lease, KeyIndexEntry? newest)
    {
        var mod = AllocateRevision();
        var created = newest is { IsDeletion: false } live ? live.CreateRevision : mod.Main;
        var version = (newest?.Version ?? 0) + 1;
        Write(key, value, new KeyIndexEntry(mod, created, version, lease, 0, default), newest);
    }

    /// <summary>Deletes a key that exists.</summary>
    public void Delete(ReadOnlySpan<byte> key, in KeyIndexEntry newest) =>
        Write(key, default, new KeyIndexEntry(AllocateRevision(), 0, 0, 0, 0, default), newest);

    /// <summary>Ends a transaction. If it changed something, the store advances to its revision.</summary>
    public void EndTransaction()
    {
        if (_changes > 0)
            Revision = NextRevision;
        _changes = 0;
    }

    /// <summary>
    /// Makes every version unreadable that only reads before <paramref name="revision"/> can see. <see cref="Sweep"/> removes the bytes
    /// gradually.
    /// </summary>
    public KvError? Compact(long revision)
    {
        if (revision <= CompactRevision)
            return KvError.Compacted;
        if (revision > Revision)
            return KvError.FutureRevision;

        // Sweep kept the changes of the previous compact revision; they are visited once more.
        if (_sweptUpTo.Main == CompactRevision)
            _sweptUpTo = new Revision(CompactRevision, -1);
        CompactRevision = revision;
        return null;
    }

    /// <summary>
    /// Continues to remove compacted versions and visits at most <paramref name="versionsMax"/> versions of the history: for each version
    /// at or below the compact revision it removes the previous version, and the version itself if it is a deletion. The changes of the
    /// compact revision itself stay until the next compaction: a watch may start at that revision and must receive them (etcd #18089).
    /// </summary>
    /// <remarks>
    /// Why this is sufficient: a version is unreadable when a later version of its key is at or below the compact revision too, and when
    /// that later version is visited, it identifies the previous one. A version that survives a compaction is removed when its successor is
    /// visited.
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
            if (!version.Previous.IsNone && version.Previous.Main < CompactRevision)
                RemoveVersion(version.Previous);
            if (version.IsDeletion && revision.Main < CompactRevision)
                RemoveTombstone(revision, version);
        }

        _sweptUpTo = batch.Count == versionsMax ? batch[^1].Revision : EndOf(CompactRevision);
    }

    private Revision AllocateRevision() => new(NextRevision, _changes++);

    /// <summary>
    /// Adds a version to the history and points the index to it. Its ordinal and skip link follow from the previous version.
    /// </summary>
    private void Write(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, KeyIndexEntry record, KeyIndexEntry? previous)
    {
        record = record with { Ordinal = (previous?.Ordinal ?? 0) + 1, SkipLink = previous?.NextSkipLink ?? default };
        var header = VersionRecord.WriteHeader(stackalloc byte[VersionRecord.HeaderBytesMax], record, previous?.Mod ?? default, key.Length);
        _history.Set(new NewTreeEntry(record.Mod.ToKey(stackalloc byte[Mvcc.Revision.KeyBytes]), isCounted: true, header, key, value));
        _keys.Set(new NewTreeEntry(key, isCounted: !record.IsDeletion, record.Write(stackalloc byte[KeyIndexEntry.BytesMax])));
        Leases.Move(key, from: previous?.Lease ?? 0, to: record.Lease);
        _versionBytes += key.Length + value.Length + VersionRecord.OverheadBytes;
        _writtenSum += RecordHash.OfVersion(record.Mod, record.CreateRevision, record.Version, record.Lease, key, value);
    }

    private void RemoveVersion(Revision revision)
    {
        if (!View.TryGetVersion(revision, out var version))
            return;
        _sweptSum += RecordHash.OfVersion(revision, version.Kv);
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
