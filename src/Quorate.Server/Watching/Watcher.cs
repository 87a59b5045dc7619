using Quorate.Kv;

namespace Quorate.Server.Watching;

/// <summary>
/// One watcher: its event request and its next revision. No events are queued for it; it reads them from the store's history.
/// </summary>
internal sealed class Watcher(long id, WatchEventRequest request, long nextRevision)
{
    /// <summary>The watcher's id, unique on its stream.</summary>
    public long Id { get; } = id;

    /// <summary>The keys and kinds of events that the watcher receives.</summary>
    public WatchEventRequest Request { get; } = request;

    /// <summary>The first revision whose events have not been sent.</summary>
    public long NextRevision { get; set; } = nextRevision;

    /// <summary>Whether the client accepts large responses as fragments.</summary>
    public bool Fragment { get; init; }

    /// <summary>Whether an idle watcher receives progress notifications.</summary>
    public bool ProgressNotify { get; init; }

    /// <summary>The time of the next progress notification, milliseconds since the stream began; postponed by every event.</summary>
    public long ProgressDueMs { get; set; }
}
