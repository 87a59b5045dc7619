using Quorate.Kv;

namespace Quorate.Server.Watching;

/// <summary>
/// One watcher: its event request and its next revision. No events are queued for it; it reads them from the store's history.
/// </summary>
/// <remarks>
/// Threading: the watch stream that created it uses it. Two fields belong to others, because the applier writes them too:
/// <see cref="PendingRevision"/> to <see cref="ReadyWatchers"/>, the place in the index to <see cref="WatchNotifier"/>.
/// </remarks>
internal sealed class Watcher(long id, WatchEventRequest request, long nextRevision, ReadyWatchers ready)
{
    /// <summary>The watcher's id, unique on its stream.</summary>
    public long Id { get; } = id;

    /// <summary>The keys and kinds of events that the watcher receives.</summary>
    public WatchEventRequest Request { get; } = request;

    /// <summary>Where the watcher is added when a new revision changes one of its keys: the queue of its stream.</summary>
    public ReadyWatchers Ready { get; } = ready;

    /// <summary>
    /// The first revision whose events have not been sent. It does not advance while the watcher is idle: until the notifier names a later
    /// revision, no revision from this one on changes a key of the watcher.
    /// </summary>
    public long NextRevision { get; set; } = nextRevision;

    /// <summary>Whether the watcher is in its stream's list of watchers that may have events to read.</summary>
    public bool IsBehind { get; set; }

    /// <summary>Whether the watcher was canceled.</summary>
    public bool IsCanceled { get; set; }

    /// <summary>Whether the client accepts large responses as fragments.</summary>
    public bool Fragment { get; init; }

    /// <summary>Whether an idle watcher receives progress notifications.</summary>
    public bool ProgressNotify { get; init; }

    /// <summary>The time of the next progress notification, milliseconds since the stream began; postponed by every event.</summary>
    public long ProgressDueMs { get; set; }

    /// <summary>The time at which the stream looks at <see cref="ProgressDueMs"/> again; never later than that.</summary>
    public long ProgressCheckMs { get; set; }

    /// <summary>The first revision with events since the stream last took the watcher; 0 for none. Guarded by the ready queue.</summary>
    public long PendingRevision { get; set; }

    /// <summary>The last run of the notifier that notified the watcher. Guarded by the notifier.</summary>
    public long NotifiedInRun { get; set; }

    /// <summary>The watcher's place in the index, null if it has none. Guarded by the notifier.</summary>
    public KeyIntervalIndexEntry<Watcher>? IndexEntry { get; set; }
}
