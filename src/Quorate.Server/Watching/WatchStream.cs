using System.Threading.Channels;
using Quorate.Kv;
using Quorate.Server.Etcd;
using Quorate.Server.Replication;
using Wire = Quorate.Server.Protos;

namespace Quorate.Server.Watching;

/// <summary>One stream of watchers: takes requests, tells what happened, in one loop that never does two things at once.</summary>
/// <remarks>
/// A watcher is a place in the store's history. Whoever is slow falls behind and reads on later; nothing is queued for anybody, so nothing
/// can overflow. If a compaction overtakes a watcher it is cancelled with the revision it may begin at again. All events of one revision come
/// in one answer, in the order of revisions, none twice. Source: etcd v3 API, Watch.
/// </remarks>
internal sealed class WatchStream(
    IStoreReader store, ResponseHeaders headers, WatchOptions options, TimeProvider time, Func<Wire.WatchResponse, CancellationToken, Task> send)
{
    /// <summary>Stands where an id would when an answer is about no watcher, or about all.</summary>
    private const long InvalidWatchId = -1;

    private readonly SortedDictionary<long, Watcher> _watchers = [];
    private readonly long _epoch = time.GetTimestamp();
    private long _nextId;
    private int _pendingProgressRequests;
    private Task? _progressTimer;

    private long NowMs => (long)time.GetElapsedTime(_epoch).TotalMilliseconds;

    /// <summary>Runs until the client has gone, or has said all it had to say and watches nothing.</summary>
    public async Task RunAsync(ChannelReader<Wire.WatchRequest> requests, CancellationToken cancellation)
    {
        Task<bool>? requestAvailable = null;
        while (true)
        {
            // Taken before looking, so that what happens in between is not slept through.
            var storeChanged = store.Changed.Next();
            while (requests.TryRead(out var request))
                await HandleAsync(request, cancellation).ConfigureAwait(false);

            var current = store.Current;
            if (await SendEventsAsync(current, cancellation).ConfigureAwait(false))
                continue;
            await SendProgressAsync(current, cancellation).ConfigureAwait(false);
            if (_watchers.Count == 0 && requests.Completion.IsCompleted)
            {
                await requests.Completion.ConfigureAwait(false);
                return;
            }

            requestAvailable ??= requests.WaitToReadAsync(cancellation).AsTask();
            await Task.WhenAny(GetWaitTasks(storeChanged, requestAvailable)).WaitAsync(cancellation).ConfigureAwait(false);
            if (requestAvailable.IsCompleted && await requestAvailable.ConfigureAwait(false))
                requestAvailable = null;
        }
    }

    private List<Task> GetWaitTasks(Task storeChanged, Task<bool> requestAvailable)
    {
        List<Task> waitTasks = [storeChanged];
        // A client that has said all it had to say may go on listening.
        var clientCompleted = requestAvailable.IsCompletedSuccessfully && !requestAvailable.Result;
        if (!clientCompleted)
            waitTasks.Add(requestAvailable);
        if (_progressTimer is not null)
            waitTasks.Add(_progressTimer);
        return waitTasks;
    }

    private Task HandleAsync(Wire.WatchRequest request, CancellationToken cancellation)
    {
        switch (request.RequestUnionCase)
        {
            case Wire.WatchRequest.RequestUnionOneofCase.CreateRequest:
                return CreateAsync(request.CreateRequest, cancellation);
            case Wire.WatchRequest.RequestUnionOneofCase.CancelRequest when _watchers.Remove(request.CancelRequest.WatchId):
                return send(CreateResponse(request.CancelRequest.WatchId, canceled: true), cancellation);
            case Wire.WatchRequest.RequestUnionOneofCase.ProgressRequest:
                _pendingProgressRequests++;
                return Task.CompletedTask;
            default:
                // To cancel what is not there, or to ask nothing, has no answer; so it is with etcd.
                return Task.CompletedTask;
        }
    }

    private Task CreateAsync(Wire.WatchCreateRequest wire, CancellationToken cancellation)
    {
        var keys = KeyInterval.FromWire(wire.Key.IsEmpty ? new byte[1] : wire.Key.Memory, wire.RangeEnd.Memory);
        var cancelReason = Validate(wire, keys);
        if (cancelReason is not null)
        {
            var rejected = CreateResponse(InvalidWatchId, canceled: true);
            rejected.Created = true;
            rejected.CancelReason = cancelReason;
            return send(rejected, cancellation);
        }

        var created = CreateResponse(wire.WatchId != 0 ? wire.WatchId : NextFreeId(), canceled: false);
        created.Created = true;
        var eventRequest = new EventRequest(keys)
        {
            PrevKv = wire.PrevKv,
            WithoutPuts = wire.Filters.Contains(Wire.WatchCreateRequest.Types.FilterType.Noput),
            WithoutDeletions = wire.Filters.Contains(Wire.WatchCreateRequest.Types.FilterType.Nodelete),
        };

        // From now on is from what the answer says on: no event may fall between the two.
        var nextRevision = wire.StartRevision == 0 ? created.Header.Revision + 1 : wire.StartRevision;
        var watcher = new Watcher(created.WatchId, eventRequest, nextRevision) { Fragment = wire.Fragment, ProgressNotify = wire.ProgressNotify };
        _watchers.Add(watcher.Id, watcher);
        if (watcher.ProgressNotify)
            ScheduleProgress(watcher);
        return send(created, cancellation);
    }

    private string? Validate(Wire.WatchCreateRequest wire, KeyInterval keys)
    {
        if (keys.IsEmpty)
            return "mvcc: watcher range is empty";
        if (wire.StartRevision < 0)
            return "mvcc: required revision has been compacted";
        if (wire.WatchId != 0 && (wire.WatchId == InvalidWatchId || _watchers.ContainsKey(wire.WatchId)))
            return "mvcc: duplicate watch ID provided on the WatchStream";
        return _watchers.Count >= options.WatchersPerStreamMax ? "etcdserver: too many requests" : null;
    }

    private long NextFreeId()
    {
        while (_watchers.ContainsKey(_nextId))
            _nextId++;
        return _nextId++;
    }

    /// <summary>Tells every watcher the next of what it lacks; whether any still lacks something.</summary>
    private async Task<bool> SendEventsAsync(KvSnapshot current, CancellationToken cancellation)
    {
        var behind = false;
        List<long>? compacted = null;
        foreach (var watcher in _watchers.Values)
        {
            if (watcher.NextRevision > current.Revision)
                continue;
            if (current.Events(watcher.Request, watcher.NextRevision, out var batch) is not null)
            {
                (compacted ??= []).Add(watcher.Id);
                continue;
            }

            watcher.NextRevision = batch.Next;
            behind |= watcher.NextRevision <= current.Revision;
            if (batch.Events.Count == 0)
                continue;
            foreach (var response in WatchResponses.Build(watcher, batch.Events, () => headers.At(current.Revision), options.FragmentBytesMax))
                await send(response, cancellation).ConfigureAwait(false);
            if (watcher.ProgressNotify)
                ScheduleProgress(watcher);
        }

        foreach (var id in compacted ?? [])
        {
            _watchers.Remove(id);
            var canceled = new Wire.WatchResponse
            {
                Header = headers.WithoutRevision(), WatchId = id, Canceled = true, CompactRevision = current.CompactRevision,
            };
            await send(canceled, cancellation).ConfigureAwait(false);
        }

        return behind;
    }

    /// <summary>How far everybody is: all of them have been told all of <paramref name="current"/>.</summary>
    private async Task SendProgressAsync(KvSnapshot current, CancellationToken cancellation)
    {
        for (; _pendingProgressRequests > 0; _pendingProgressRequests--)
            await send(new Wire.WatchResponse { Header = headers.At(current.Revision), WatchId = InvalidWatchId }, cancellation).ConfigureAwait(false);

        if (_progressTimer is not { IsCompleted: true })
            return;
        _progressTimer = null;
        foreach (var watcher in _watchers.Values.Where(w => w.ProgressNotify))
        {
            if (watcher.ProgressDueMs <= NowMs)
            {
                // A watcher of the future has been told nothing yet, and its client must not go back to before its start.
                if (watcher.NextRevision == current.Revision + 1)
                    await send(new Wire.WatchResponse { Header = headers.At(current.Revision), WatchId = watcher.Id }, cancellation).ConfigureAwait(false);
                ScheduleProgress(watcher);
            }
        }

        StartProgressTimer();
    }

    private void ScheduleProgress(Watcher watcher)
    {
        // Up to a tenth more, so that watchers created together do not all speak at once. etcd does the same.
        var interval = options.ProgressInterval.TotalMilliseconds;
        watcher.ProgressDueMs = NowMs + (long)(interval + (Random.Shared.NextDouble() * interval / 10));
        if (_progressTimer is null)
            StartProgressTimer();
    }

    private void StartProgressTimer()
    {
        var due = _watchers.Values.Where(w => w.ProgressNotify).Select(w => w.ProgressDueMs).DefaultIfEmpty(-1).Min();
        if (due >= 0)
            _progressTimer = Task.Delay(TimeSpan.FromMilliseconds(long.Max(due - NowMs, 1)), time);
    }

    private Wire.WatchResponse CreateResponse(long id, bool canceled) => new() { Header = headers.At(store.Revision), WatchId = id, Canceled = canceled };
}
