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
/// An idle watcher costs memory and nothing else: the notifier adds a watcher to the stream's queue when a revision changes one of its
/// keys, and only then does the stream read for it. Source: etcd v3 API, Watch.
/// </remarks>
internal sealed class WatchStream(
    IStoreReader store, ResponseHeaderFactory headers, WatchOptions options, TimeProvider time,
    Func<Wire.WatchResponse, CancellationToken, Task> send, Action? throwIfQuarantined = null)
{
    /// <summary>The watch id in responses that concern no watcher or all watchers; etcd's InvalidWatchID.</summary>
    private const long InvalidWatchId = -1;

    private readonly Dictionary<long, Watcher> _watchers = [];
    private readonly ReadyWatchers _ready = new();

    /// <summary>The watchers that may have events to read.</summary>
    private readonly List<Watcher> _behind = [];

    /// <summary>The watchers with progress notifications, by the time at which each is looked at again.</summary>
    private readonly SortedSet<(long CheckMs, long Id)> _progressChecks = [];

    private readonly long _epoch = time.GetTimestamp();
    private long _nextId;
    private int _pendingProgressRequests;
    private Task? _progressTimer;

    private long NowMs => (long)time.GetElapsedTime(_epoch).TotalMilliseconds;

    /// <summary>Runs until the client disconnects, or has completed its requests and has no watchers left.</summary>
    public async Task RunAsync(ChannelReader<Wire.WatchRequest> requests, CancellationToken cancellation)
    {
        try
        {
            await HandleAndSendAsync(requests, cancellation).ConfigureAwait(false);
        }
        finally
        {
            foreach (var watcher in _watchers.Values)
                store.Watchers.Remove(watcher);
        }
    }

    private async Task HandleAndSendAsync(ChannelReader<Wire.WatchRequest> requests, CancellationToken cancellation)
    {
        Task<bool>? requestAvailable = null;
        while (true)
        {
            // The stream ends when its member is quarantined: the client continues at another member, from the revision that it has.
            throwIfQuarantined?.Invoke();
            while (requests.TryRead(out var request))
                await HandleAsync(request, cancellation).ConfigureAwait(false);

            // In this order: the queue then has every watcher with an event up to the notified revision, and the store shows these events.
            var notified = store.Watchers.NotifiedRevision;
            _ready.Take(_behind);
            if (await SendEventsAsync(store.Current, cancellation).ConfigureAwait(false))
                continue;
            await SendProgressAsync(notified, cancellation).ConfigureAwait(false);
            if (_watchers.Count == 0 && requests.Completion.IsCompleted)
            {
                await requests.Completion.ConfigureAwait(false);
                return;
            }

            requestAvailable ??= requests.WaitToReadAsync(cancellation).AsTask();
            await Task.WhenAny(GetWaitTasks(requestAvailable)).WaitAsync(cancellation).ConfigureAwait(false);
            if (requestAvailable.IsCompleted && await requestAvailable.ConfigureAwait(false))
                requestAvailable = null;
        }
    }

    private List<Task> GetWaitTasks(Task<bool> requestAvailable)
    {
        List<Task> waitTasks = [_ready.WaitAsync()];
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
            case Wire.WatchRequest.RequestUnionOneofCase.CancelRequest
                when _watchers.TryGetValue(request.CancelRequest.WatchId, out var watcher):
                Remove(watcher);
                return send(CreateResponse(watcher.Id, canceled: true), cancellation);
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
        var watcher = new Watcher(created.WatchId, eventRequest, nextRevision, _ready)
        {
            Fragment = wire.Fragment, ProgressNotify = wire.ProgressNotify,
        };
        Add(watcher);
        return send(created, cancellation);
    }

    private void Add(Watcher watcher)
    {
        _watchers.Add(watcher.Id, watcher);

        // The notifier names only later changes; the stream itself looks for those that are there already.
        store.Watchers.Add(watcher);
        watcher.IsBehind = true;
        _behind.Add(watcher);
        if (!watcher.ProgressNotify)
            return;
        PostponeProgress(watcher);
        ScheduleProgressCheck(watcher);
        if (_progressTimer is null)
            StartProgressTimer();
    }

    private void Remove(Watcher watcher)
    {
        store.Watchers.Remove(watcher);
        watcher.IsCanceled = true;
        _watchers.Remove(watcher.Id);
        _progressChecks.Remove((watcher.ProgressCheckMs, watcher.Id));
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

    /// <summary>Sends every watcher that is behind its next batch of events; returns whether any of them still is.</summary>
    private async Task<bool> SendEventsAsync(KvSnapshot current, CancellationToken cancellation)
    {
        foreach (var watcher in _behind)
        {
            if (!watcher.IsCanceled)
                await SendEventsAsync(watcher, current, cancellation).ConfigureAwait(false);
            watcher.IsBehind = !watcher.IsCanceled && watcher.NextRevision <= current.Revision;
        }

        _behind.RemoveAll(static watcher => !watcher.IsBehind);
        return _behind.Count > 0;
    }

    private async Task SendEventsAsync(Watcher watcher, KvSnapshot current, CancellationToken cancellation)
    {
        if (watcher.NextRevision > current.Revision)
            return;
        if (current.Events(watcher.Request, watcher.NextRevision, out var batch) is not null)
        {
            Remove(watcher);
            var canceled = new Wire.WatchResponse
            {
                Header = headers.WithoutRevision(), WatchId = watcher.Id, Canceled = true, CompactRevision = current.CompactRevision,
            };
            await send(canceled, cancellation).ConfigureAwait(false);
            return;
        }

        watcher.NextRevision = batch.Next;
        if (batch.Events.Count == 0)
            return;
        var responses = WatchResponseBuilder.Build(watcher, batch.Events, () => headers.At(current.Revision), options.FragmentBytesMax);
        foreach (var response in responses)
            await send(response, cancellation).ConfigureAwait(false);
        if (watcher.ProgressNotify)
            PostponeProgress(watcher);
    }

    /// <summary>
    /// Sends requested and due progress notifications. Every watcher has received all events up to <paramref name="notified"/>.
    /// </summary>
    private async Task SendProgressAsync(long notified, CancellationToken cancellation)
    {
        for (; _pendingProgressRequests > 0; _pendingProgressRequests--)
        {
            var progress = new Wire.WatchResponse { Header = headers.At(notified), WatchId = InvalidWatchId };
            await send(progress, cancellation).ConfigureAwait(false);
        }

        if (_progressTimer is not { IsCompleted: true })
            return;
        _progressTimer = null;
        while (_progressChecks.Count > 0 && _progressChecks.Min is var (check, id) && check <= NowMs)
        {
            _progressChecks.Remove((check, id));
            var watcher = _watchers[id];
            if (watcher.ProgressDueMs <= NowMs)
            {
                // A watcher of a future revision has no progress yet: a notification would make its client resume before the start
                // revision.
                if (watcher.NextRevision <= notified + 1)
                {
                    var progress = new Wire.WatchResponse { Header = headers.At(notified), WatchId = watcher.Id };
                    await send(progress, cancellation).ConfigureAwait(false);
                }
                PostponeProgress(watcher);
            }

            ScheduleProgressCheck(watcher);
        }

        StartProgressTimer();
    }

    private void PostponeProgress(Watcher watcher)
    {
        // Add up to a tenth at random, so that watchers created together are not notified together, as in etcd.
        var interval = options.ProgressInterval.TotalMilliseconds;
        watcher.ProgressDueMs = NowMs + (long)(interval + (Random.Shared.NextDouble() * interval / 10));
    }

    /// <summary>
    /// Schedules the next look at a watcher's progress. An event only postpones the progress; the check stays, so that an event costs
    /// nothing here.
    /// </summary>
    private void ScheduleProgressCheck(Watcher watcher)
    {
        watcher.ProgressCheckMs = watcher.ProgressDueMs;
        _progressChecks.Add((watcher.ProgressCheckMs, watcher.Id));
    }

    private void StartProgressTimer()
    {
        if (_progressChecks.Count > 0)
            _progressTimer = Task.Delay(TimeSpan.FromMilliseconds(long.Max(_progressChecks.Min.CheckMs - NowMs, 1)), time);
    }

    private Wire.WatchResponse CreateResponse(long id, bool canceled) =>
        new() { Header = headers.At(store.Revision), WatchId = id, Canceled = canceled };
}
