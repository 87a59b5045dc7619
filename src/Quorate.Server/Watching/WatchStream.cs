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
    IStoreReader store, Headers headers, WatchOptions options, TimeProvider time, Func<Wire.WatchResponse, CancellationToken, Task> send)
{
    /// <summary>Stands where an id would when an answer is about no watcher, or about all.</summary>
    private const long NoWatcher = -1;

    private readonly SortedDictionary<long, Watcher> _watchers = [];
    private readonly long _epoch = time.GetTimestamp();
    private long _nextId;
    private int _progressAsked;
    private Task? _tick;

    private long NowMs => (long)time.GetElapsedTime(_epoch).TotalMilliseconds;

    /// <summary>Runs until the client has gone, or has said all it had to say and watches nothing.</summary>
    public async Task RunAsync(ChannelReader<Wire.WatchRequest> requests, CancellationToken ending)
    {
        Task<bool>? asked = null;
        while (true)
        {
            // Taken before looking, so that what happens in between is not slept through.
            var news = store.Changed.Next();
            while (requests.TryRead(out var request))
                await HandleAsync(request, ending).ConfigureAwait(false);

            var current = store.Current;
            if (await TellAsync(current, ending).ConfigureAwait(false))
                continue;
            await TellProgressAsync(current, ending).ConfigureAwait(false);
            if (_watchers.Count == 0 && requests.Completion.IsCompleted)
            {
                await requests.Completion.ConfigureAwait(false);
                return;
            }

            asked ??= requests.WaitToReadAsync(ending).AsTask();
            await Task.WhenAny(Awaited(news, asked)).WaitAsync(ending).ConfigureAwait(false);
            if (asked.IsCompleted && await asked.ConfigureAwait(false))
                asked = null;
        }
    }

    private List<Task> Awaited(Task news, Task<bool> asked)
    {
        List<Task> awaited = [news];
        // A client that has said all it had to say may go on listening.
        var isMute = asked.IsCompletedSuccessfully && !asked.Result;
        if (!isMute)
            awaited.Add(asked);
        if (_tick is not null)
            awaited.Add(_tick);
        return awaited;
    }

    private Task HandleAsync(Wire.WatchRequest request, CancellationToken ending)
    {
        switch (request.RequestUnionCase)
        {
            case Wire.WatchRequest.RequestUnionOneofCase.CreateRequest:
                return CreateAsync(request.CreateRequest, ending);
            case Wire.WatchRequest.RequestUnionOneofCase.CancelRequest when _watchers.Remove(request.CancelRequest.WatchId):
                return send(Answer(request.CancelRequest.WatchId, canceled: true), ending);
            case Wire.WatchRequest.RequestUnionOneofCase.ProgressRequest:
                _progressAsked++;
                return Task.CompletedTask;
            default:
                // To cancel what is not there, or to ask nothing, has no answer; so it is with etcd.
                return Task.CompletedTask;
        }
    }

    private Task CreateAsync(Wire.WatchCreateRequest wire, CancellationToken ending)
    {
        var keys = KeyInterval.FromWire(wire.Key.IsEmpty ? new byte[1] : wire.Key.Memory, wire.RangeEnd.Memory);
        var refusal = ReasonToRefuse(wire, keys);
        if (refusal is not null)
        {
            var refused = Answer(NoWatcher, canceled: true);
            refused.Created = true;
            refused.CancelReason = refusal;
            return send(refused, ending);
        }

        var created = Answer(wire.WatchId != 0 ? wire.WatchId : FreeId(), canceled: false);
        created.Created = true;
        var wanted = new EventRequest(keys)
        {
            PrevKv = wire.PrevKv,
            WithoutPuts = wire.Filters.Contains(Wire.WatchCreateRequest.Types.FilterType.Noput),
            WithoutDeletions = wire.Filters.Contains(Wire.WatchCreateRequest.Types.FilterType.Nodelete),
        };

        // From now on is from what the answer says on: no event may fall between the two.
        var next = wire.StartRevision == 0 ? created.Header.Revision + 1 : wire.StartRevision;
        var watcher = new Watcher(created.WatchId, wanted, next) { Fragments = wire.Fragment, WantsProgress = wire.ProgressNotify };
        _watchers.Add(watcher.Id, watcher);
        if (watcher.WantsProgress)
            Postpone(watcher);
        return send(created, ending);
    }

    private string? ReasonToRefuse(Wire.WatchCreateRequest wire, KeyInterval keys)
    {
        if (keys.IsEmpty)
            return "mvcc: watcher range is empty";
        if (wire.StartRevision < 0)
            return "mvcc: required revision has been compacted";
        if (wire.WatchId != 0 && (wire.WatchId == NoWatcher || _watchers.ContainsKey(wire.WatchId)))
            return "mvcc: duplicate watch ID provided on the WatchStream";
        return _watchers.Count >= options.WatchersPerStreamMax ? "etcdserver: too many requests" : null;
    }

    private long FreeId()
    {
        while (_watchers.ContainsKey(_nextId))
            _nextId++;
        return _nextId++;
    }

    /// <summary>Tells every watcher the next of what it lacks; whether any still lacks something.</summary>
    private async Task<bool> TellAsync(KvSnapshot current, CancellationToken ending)
    {
        var behind = false;
        List<long>? overtaken = null;
        foreach (var watcher in _watchers.Values)
        {
            if (watcher.Next > current.Revision)
                continue;
            if (current.Events(watcher.Wanted, watcher.Next, out var batch) is not null)
            {
                (overtaken ??= []).Add(watcher.Id);
                continue;
            }

            watcher.Next = batch.Next;
            behind |= watcher.Next <= current.Revision;
            if (batch.Events.Count == 0)
                continue;
            foreach (var answer in WatchAnswers.Tell(watcher, batch.Events, () => headers.At(current.Revision), options.FragmentBytesMax))
                await send(answer, ending).ConfigureAwait(false);
            if (watcher.WantsProgress)
                Postpone(watcher);
        }

        foreach (var id in overtaken ?? [])
        {
            _watchers.Remove(id);
            var gone = new Wire.WatchResponse
            {
                Header = headers.WithoutRevision(), WatchId = id, Canceled = true, CompactRevision = current.CompactRevision,
            };
            await send(gone, ending).ConfigureAwait(false);
        }

        return behind;
    }

    /// <summary>How far everybody is: all of them have been told all of <paramref name="current"/>.</summary>
    private async Task TellProgressAsync(KvSnapshot current, CancellationToken ending)
    {
        for (; _progressAsked > 0; _progressAsked--)
            await send(new Wire.WatchResponse { Header = headers.At(current.Revision), WatchId = NoWatcher }, ending).ConfigureAwait(false);

        if (_tick is not { IsCompleted: true })
            return;
        _tick = null;
        foreach (var watcher in _watchers.Values.Where(w => w.WantsProgress))
        {
            if (watcher.ProgressDue <= NowMs)
            {
                // A watcher of the future has been told nothing yet, and its client must not go back to before its start.
                if (watcher.Next == current.Revision + 1)
                    await send(new Wire.WatchResponse { Header = headers.At(current.Revision), WatchId = watcher.Id }, ending).ConfigureAwait(false);
                Postpone(watcher);
            }
        }

        StartTick();
    }

    private void Postpone(Watcher watcher)
    {
        // Up to a tenth more, so that watchers created together do not all speak at once. etcd does the same.
        var interval = options.ProgressInterval.TotalMilliseconds;
        watcher.ProgressDue = NowMs + (long)(interval + (Random.Shared.NextDouble() * interval / 10));
        if (_tick is null)
            StartTick();
    }

    private void StartTick()
    {
        var due = _watchers.Values.Where(w => w.WantsProgress).Select(w => w.ProgressDue).DefaultIfEmpty(-1).Min();
        if (due >= 0)
            _tick = Task.Delay(TimeSpan.FromMilliseconds(long.Max(due - NowMs, 1)), time);
    }

    private Wire.WatchResponse Answer(long id, bool canceled) => new() { Header = headers.At(store.Revision), WatchId = id, Canceled = canceled };
}
