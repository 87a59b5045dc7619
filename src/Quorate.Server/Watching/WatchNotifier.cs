using Quorate.Kv;

namespace Quorate.Server.Watching;

/// <summary>Notifies the watchers whose keys a new revision changed, and no others.</summary>
/// <remarks>
/// A put therefore costs O(log n) for n watchers of other keys, and is the same for every number of idle streams. A notification is not an
/// event: it names the watcher and the revision from which its stream reads. See decision 0029.
/// Usage: add a watcher first, then read the store; read <see cref="NotifiedRevision"/> first, then take the stream's ready watchers. In
/// this order no change is missed: a revision was readable before the watcher was added, or it is notified.
/// Threading: the applier notifies, streams add and remove; a lock excludes them from each other.
/// </remarks>
internal sealed class WatchNotifier(KvSnapshot initial)
{
    // The changes read from the history at once. Their list stays below the size from which the collector treats an array as large.
    private static readonly WatchEventRequest AllKeys = new(KeyInterval.All) { MaxChanges = 256, MaxBytes = int.MaxValue };

    private readonly Lock _lock = new();
    private readonly KeyIntervalIndex<Watcher> _index = new((ulong)Random.Shared.NextInt64());
    private readonly List<Watcher> _found = [];
    private long _notified = initial.Revision;
    private long _runs;

    /// <summary>The newest revision of which all watchers were notified.</summary>
    public long NotifiedRevision => Volatile.Read(ref _notified);

    /// <summary>The number of watchers.</summary>
    public int Count
    {
        get
        {
            lock (_lock)
                return _index.Count;
        }
    }

    /// <summary>Adds a watcher: it is notified of every later change of its keys.</summary>
    public void Add(Watcher watcher)
    {
        lock (_lock)
            watcher.IndexEntry = _index.Add(watcher.Request.Keys, watcher);
    }

    /// <summary>Removes a watcher: it is not notified again. Nothing happens if it was removed before.</summary>
    public void Remove(Watcher watcher)
    {
        lock (_lock)
        {
            if (watcher.IndexEntry is not { } entry)
                return;
            _index.Remove(entry);
            watcher.IndexEntry = null;
        }
    }

    /// <summary>
    /// Notifies the watchers of all changes since the last call. Readers of the store must see <paramref name="current"/>.
    /// </summary>
    public void Notify(KvSnapshot current)
    {
        if (current.Revision == _notified)
            return;
        lock (_lock)
        {
            _runs++;
            if (_index.Count > 0)
                NotifyOfChanges(current, _notified + 1);
            Volatile.Write(ref _notified, current.Revision);
        }
    }

    private void NotifyOfChanges(KvSnapshot current, long from)
    {
        while (from <= current.Revision)
        {
            if (current.Events(AllKeys, from, out var batch) is not null)
            {
                // A compaction removed revisions before any watcher was notified of them, for example while a member catches up. What they
                // changed is no longer known, so every watcher must find out that they are compacted.
                NotifyAll(from);
                return;
            }

            foreach (var change in batch.Events)
            {
                _index.Find(change.Kv.Key.Span, _found);
                NotifyFound(change.Kv.ModRevision);
            }

            from = batch.Next;
        }
    }

    private void NotifyAll(long revision)
    {
        _index.CopyTo(_found);
        NotifyFound(revision);
    }

    /// <summary>
    /// Notifies each watcher of the first revision only that this run found for it; its stream reads the others from there.
    /// </summary>
    private void NotifyFound(long revision)
    {
        foreach (var watcher in _found)
        {
            if (watcher.NotifiedInRun == _runs)
                continue;
            watcher.NotifiedInRun = _runs;
            watcher.Ready.Add(watcher, revision);
        }

        _found.Clear();
    }
}
