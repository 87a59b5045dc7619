namespace Quorate.Server.Watching;

/// <summary>The watchers of one stream with a new revision that changed one of their keys.</summary>
/// <remarks>
/// A watcher is in the queue at most once, with the first such revision, so the queue is never longer than the stream has watchers, however
/// slow its client reads. Threading: the applier adds, the stream takes and waits. Usage: wait only after a <see cref="Take"/>; a watcher
/// added in between completes the wait at once.
/// </remarks>
internal sealed class ReadyWatchers
{
    private readonly Lock _lock = new();
    private List<Watcher> _ready = [];
    private List<Watcher> _taken = [];
    private TaskCompletionSource? _waiting;

    /// <summary>Adds a watcher that a revision concerns. The revision must be readable before the call.</summary>
    public void Add(Watcher watcher, long revision)
    {
        TaskCompletionSource? waiting;
        lock (_lock)
        {
            if (watcher.PendingRevision != 0)
                return; // The stream will read from the earlier revision on.
            watcher.PendingRevision = revision;
            _ready.Add(watcher);
            (waiting, _waiting) = (_waiting, null);
        }

        waiting?.TrySetResult();
    }

    /// <summary>
    /// Moves all watchers of the queue to the list of those that may have events to read. An idle watcher skips the revisions before its
    /// pending one, which changed none of its keys; one that is behind has not read those yet and skips none.
    /// </summary>
    public void Take(List<Watcher> behind)
    {
        lock (_lock)
        {
            (_taken, _ready) = (_ready, _taken);
            foreach (var watcher in _taken)
            {
                if (!watcher.IsBehind && !watcher.IsCanceled)
                {
                    watcher.NextRevision = long.Max(watcher.NextRevision, watcher.PendingRevision);
                    watcher.IsBehind = true;
                    behind.Add(watcher);
                }

                watcher.PendingRevision = 0;
            }
        }

        _taken.Clear();
    }

    /// <summary>Returns a task that completes when the queue is not empty.</summary>
    public Task WaitAsync()
    {
        lock (_lock)
        {
            if (_ready.Count > 0)
                return Task.CompletedTask;
            _waiting ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return _waiting.Task;
        }
    }
}
