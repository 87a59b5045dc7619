using System.Threading.Channels;
using Quorate.Kv;
using Quorate.Server.Etcd;
using Quorate.Server.Replication;
using Wire = Quorate.Server.Protos;

namespace Quorate.Server.Watching;

/// <summary>One watch stream: a single loop handles the requests of the client and sends events and progress notifications.</summary>
/// <remarks>
/// A watcher is a revision in the store's history. A slow watcher falls behind and catches up later; no events are queued, so no queue can
/// overflow. If a compaction removes a revision that a watcher still needs, the watcher is canceled with the compact revision, from which
/// the client can start again. All events of one revision are in one response; responses are in revision order, without duplicates.
/// Source: etcd v3 API, Watch.
/// </remarks>
internal sealed class WatchStream(
    IStoreReader store, ResponseHeaderFactory headers, WatchOptions options, TimeProvider time,
    Func<Wire.WatchResponse, CancellationToken, Task> send)
{
    /// <summary>The watch id in responses that concern no watcher or all watchers; etcd's InvalidWatchID.</summary>
    private const long InvalidWatchId = -1;

    private readonly SortedDictionary<long, Watcher> _watchers = [];
    private readonly long _epoch = time.GetTimestamp();
    private long _nextId;
    private int _pendingProgressRequests;
    private Task? _progressTimer;

    private long NowMs => (long)time.GetElapsedTime(_epoch).TotalMilliseconds;

    /// <summary>Runs until the client disconnects, or has completed its requests and has no watchers left.</summary>
    public async Task RunAsync(ChannelReader<Wire.WatchRequest> requests, CancellationToken cancellation)
    {
        Task<bool>? requestAvailable = null;
        while (true)
        {
            // Taken before the store is read, so that a change in between completes the task and is not missed.
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
        // A client that has completed its requests may still receive events.
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
                // A cancel request for an unknown watcher and an empty request have no response, as in etcd.
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
        var eventRequest = new WatchEventRequest(keys)
        {
            PrevKv = wire.PrevKv,
            WithoutPuts = wire.Filters.Contains(Wire.WatchCreateRequest.Types.FilterType.Noput),
            WithoutDeletions = wire.Filters.Contains(Wire.WatchCreateRequest.Types.FilterType.Nodelete),
        };

        // Start revision 0 means: from the revision after the one in the response header, so that no event is skipped.
        var nextRevision = wire.StartRevision == 0 ? created.Header.Revision + 1 : wire.StartRevision;
        var watcher = new Watcher(created.WatchId, eventRequest, nextRevision)
        {
            Fragment = wire.Fragment, ProgressNotify = wire.ProgressNotify,
        };
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

    /// <summary>Sends every watcher its next batch of events; returns whether any watcher is still behind.</summary>
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
            var responses = WatchResponseBuilder.Build(watcher, batch.Events, () => headers.At(current.Revision), options.FragmentBytesMax);
            foreach (var response in responses)
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

    /// <summary>
    /// Sends requested and due progress notifications. All watchers are synced with <paramref name="current"/> when it is called.
    /// </summary>
    private async Task SendProgressAsync(KvSnapshot current, CancellationToken cancellation)
    {
        for (; _pendingProgressRequests > 0; _pendingProgressRequests--)
        {
            var progress = new Wire.WatchResponse { Header = headers.At(current.Revision), WatchId = InvalidWatchId };
            await send(progress, cancellation).ConfigureAwait(false);
        }

        if (_progressTimer is not { IsCompleted: true })
            return;
        _progressTimer = null;
        foreach (var watcher in _watchers.Values.Where(w => w.ProgressNotify))
        {
            if (watcher.ProgressDueMs <= NowMs)
            {
                // A watcher of a future revision has no progress yet: a notification would make its client resume before the start
                // revision.
                if (watcher.NextRevision == current.Revision + 1)
                {
                    var progress = new Wire.WatchResponse { Header = headers.At(current.Revision), WatchId = watcher.Id };
                    await send(progress, cancellation).ConfigureAwait(false);
                }
                ScheduleProgress(watcher);
            }
        }

        StartProgressTimer();
    }

    private void ScheduleProgress(Watcher watcher)
    {
        // Add up to a tenth at random, so that watchers created together are not notified together, as in etcd.
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

    private Wire.WatchResponse CreateResponse(long id, bool canceled) =>
        new() { Header = headers.At(store.Revision), WatchId = id, Canceled = canceled };
}
