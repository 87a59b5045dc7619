using Quorate.Kv.Mvcc;
using Quorate.Kv.Tree;

namespace Quorate.Kv.Watch;

/// <summary>
/// Reads events from the history, beginning at a revision. The only state of a watcher is the revision at which it continues.
/// </summary>
internal static class WatchEventReader
{
    public static KvError? Read(in MvccView view, WatchEventRequest request, long from, out WatchEventBatch batch)
    {
        batch = null!;
        if (from < view.CompactRevision)
            return KvError.Compacted;
        if (from > view.Revision)
        {
            batch = new WatchEventBatch([], from);
            return null;
        }

        var events = new List<KvEvent>();
        long bytes = 0;
        var scanned = 0;
        var currentRevision = from;
        var start = new Revision(long.Max(from, 0), 0);
        var cursor = new TreeCursor(view.History, start.ToKey(stackalloc byte[Revision.KeyBytes]));
        for (; cursor.IsValid; cursor.MoveNext(), scanned++)
        {
            var revision = Revision.FromKey(cursor.Key);
            var isFull = bytes >= request.MaxBytes || scanned >= request.MaxChanges;
            if (isFull && revision.Main != currentRevision)
            {
                batch = new WatchEventBatch(events, revision.Main);
                return null;
            }

            currentRevision = revision.Main;
            var version = VersionRecord.Read(revision, cursor.Value);
            if (!Matches(request, version))
                continue;
            events.Add(new KvEvent(version.Kv, request.PrevKv ? PreviousValue(view, version) : null));
            bytes += version.Kv.Key.Length + version.Kv.Value.Length;
        }

        batch = new WatchEventBatch(events, view.Revision + 1);
        return null;
    }

    private static bool Matches(WatchEventRequest request, in VersionRecord version) =>
        !(version.IsDeletion ? request.WithoutDeletions : request.WithoutPuts) && request.Keys.Contains(version.Kv.Key.Span);

    /// <summary>Returns the key one revision earlier, if that revision can still be read.</summary>
    private static KeyValue? PreviousValue(in MvccView view, in VersionRecord version)
    {
        // Whether the bytes still exist depends on how far the compaction has swept; whether they can be read does not.
        var main = version.Kv.ModRevision;
        if (main - 1 < view.CompactRevision)
            return null;

        var previous = version.Previous;
        while (!previous.IsNone && view.TryGetVersion(previous, out var earlier))
        {
            if (previous.Main < main)
                return earlier.IsDeletion ? null : earlier.Kv;
            previous = earlier.Previous;
        }

        return null;
    }
}
