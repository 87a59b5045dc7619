using Quorate.Kv;

namespace Quorate.Server.Watching;

/// <summary>One watcher: what it wants, and the revision where it goes on. Nothing is kept for it; it reads the store's history when it can.</summary>
internal sealed class Watcher(long id, EventRequest request, long nextRevision)
{
    /// <summary>Its name on its stream.</summary>
    public long Id { get; } = id;

    /// <summary>What it wants to be told of.</summary>
    public EventRequest Request { get; } = request;

    /// <summary>The first revision it has not been told of.</summary>
    public long NextRevision { get; set; } = nextRevision;

    /// <summary>Whether answers larger than a request may be are to be cut into fragments.</summary>
    public bool Fragment { get; init; }

    /// <summary>Whether it is told how far it is when it has heard nothing for a while.</summary>
    public bool ProgressNotify { get; init; }

    /// <summary>When it is next told how far it is, unless something happens first.</summary>
    public long ProgressDueMs { get; set; }
}
