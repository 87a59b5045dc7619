using System.Buffers.Binary;
using System.Text;
using Quorate.Kv;
using Quorate.Verification.Linearizability;
using Quorate.Verification.Simulation.Workload;
using StoreOperation = Quorate.Verification.Linearizability.HistoryOperation<
    Quorate.Verification.Simulation.Store.StoreRequest, Quorate.Verification.Simulation.Store.StoreResponse>;

namespace Quorate.Verification.Simulation.Store;

/// <summary>Builds the clients' history of the store and the list, and runs the two linearizability checks on it.</summary>
internal static class StoreHistoryChecker
{
    /// <summary>
    /// The longest history that is also searched for a linearization without the log indexes; the search takes longer than the check with
    /// them.
    /// </summary>
    public const int SearchedOperationsMax = 400;

    /// <summary>
    /// The limit of search steps. Nine of ten such histories take less than a thousand steps. The tenth has dozens of writes without a
    /// response to the same keys, and a million steps would not be enough for it either.
    /// </summary>
    private const long SearchBudget = 2_000;

    /// <summary>The counter of expiries that ended their lease.</summary>
    public const string Expired = "store: a lease expired";

    /// <summary>The counter of expiries that came too late: the lease had been renewed or had ended.</summary>
    public const string ExpirySuperseded = "store: an expiry came too late";

    /// <summary>The counter of leases that a reaper ended.</summary>
    public const string ExpiredByReaper = "store: a reaper ended a lease";

    /// <summary>The counter of accepted advances of the lease clock.</summary>
    public const string Advanced = "store: the lease clock advanced";

    /// <summary>The counter of accepted advances that a follower proposed.</summary>
    public const string AdvancedByFollower = "store: a follower advanced the lease clock";

    /// <summary>The counter of advances of the lease clock behind another one that was measured from the same base.</summary>
    public const string AdvanceSuperseded = "store: an advance of the lease clock came too late";

    private static readonly string[] KindNames = [.. Enum.GetNames<StoreRequestKind>().Select(static name => "store: " + name)];
    private static readonly string[] ErrorNames = [.. Enum.GetNames<StoreError>().Select(static name => "store: error " + name)];

    public static LinearizabilityReport Check(SimulatedApplication<StoreStateMachine, StoreResult> application, RunCounters counters)
    {
        var history = Build(application);
        CountOutcomes(history, counters);
        var verdict = WitnessOrderChecker.Check(history, new StoreModel());
        if (!verdict.IsLinearizable || history.Count > SearchedOperationsMax)
            return verdict;
        verdict = WingGongLowe.Check(WithoutIndexes(history), new StoreModel(isPartial: true), SearchBudget);
        counters.Increment("searched for an order: " + verdict.Result);
        return verdict;
    }

    /// <summary>Returns the name of the counter of completed requests of a kind.</summary>
    public static string CounterName(StoreRequestKind kind) => KindNames[(int)kind];

    /// <summary>Returns the name of the counter of responses with an error.</summary>
    public static string CounterName(StoreError error) => ErrorNames[(int)error];

    private static void CountOutcomes(List<StoreOperation> history, RunCounters counters)
    {
        foreach (var operation in history)
        {
            if (operation.Response is not { } response)
                continue;
            counters.Increment(CounterName(operation.Request.Kind));
            if (response.Error != StoreError.None)
                counters.Increment(CounterName(response.Error));
            if (operation.Request.Kind == StoreRequestKind.Expire)
                counters.Increment(response.Succeeded ? Expired : ExpirySuperseded);
        }
    }

    /// <summary>Builds the history, with the log index at which each operation took effect.</summary>
    public static List<StoreOperation> Build(SimulatedApplication<StoreStateMachine, StoreResult> application)
    {
        var history = new List<StoreOperation>(application.History.Count);
        foreach (var operation in application.History)
        {
            if (operation.Outcome == OperationOutcome.Rejected || operation.Description is not StoreRequest request)
                continue;
            var returned = operation.Outcome is OperationOutcome.Committed or OperationOutcome.Granted;
            if (!returned && request.IsRead)
                continue;
            history.Add(new StoreOperation
            {
                Number = operation.Number,
                Client = operation.Client,
                Target = $"member {operation.Target}",
                Invoked = operation.InvokedAt,
                Returned = returned ? operation.CompletedAt : null,
                Request = WithRenewalId(request, application.StateChecker.FindEntry(operation.Number)?.Index.Value),
                Response = returned ? operation.ReadValue as StoreResponse ?? ToResponse(request, operation.Result) : null,
                IsRead = request.IsRead,
                Index = request.IsRead ? operation.Index.Value : application.StateChecker.FindEntry(operation.Number)?.Index.Value,
            });
        }

        return history;
    }

    /// <summary>
    /// Identifies a grant or a renewal by the index of its entry, as an expiry does; one that was not applied gets an index that no entry
    /// has.
    /// </summary>
    private static StoreRequest WithRenewalId(StoreRequest request, ulong? entry) =>
        request.Kind is StoreRequestKind.Grant or StoreRequestKind.Renew or StoreRequestKind.RenewMany
            ? request with { RenewalEntry = entry ?? ulong.MaxValue }
            : request;

    /// <summary>
    /// Returns the history without anything that relates the parts of the store to each other. A revision remains only as the name of a
    /// write: a client that read a key identifies the write by it. The name of a write without a response is known if any client read its
    /// value; likewise the position of an append. Reads of the past are left out, because they concern the revisions of the whole store.
    /// </summary>
    public static List<StoreOperation> WithoutIndexes(IReadOnlyList<StoreOperation> history)
    {
        var nameOf = new Dictionary<ulong, long>();
        var longest = AppendOnlyList.Empty;
        foreach (var operation in history)
        {
            foreach (var seen in operation.Response?.Versions ?? [])
            {
                if (seen.Version > 0)
                    nameOf.TryAdd(seen.Value, seen.Modified);
            }

            if (operation.Response?.List is { } list && list.Length > longest.Length)
                longest = list;
        }

        var seenLength = longest.Length;
        for (; longest.Length > 0; longest = longest.Previous!)
            nameOf.TryAdd(longest.Last, longest.Length);
        return
        [
            .. history
                .Where(static o => !o.Request.IsHistoricalRead)
                .Select(o => o with { Index = null, Request = o.Request with { AssignedRevision = NameOf(o) } }),
        ];

        long NameOf(StoreOperation o) =>
            o.HasReturned ? o.Response!.Revision
            : nameOf.TryGetValue(o.Request.Value, out var name) ? name
            : o.Request.Kind == StoreRequestKind.Append ? -seenLength
            : -(long)o.Number;
    }

    /// <summary>Converts the result of a command to a response.</summary>
    public static StoreResponse ToResponse(StoreRequest request, StoreResult result) => (request.Kind, result.Kv.Response) switch
    {
        (StoreRequestKind.Append, _) => new StoreResponse(0, []) { ListLength = result.Length },
        (_, null) => ToErrorResponse(result.Kv.Error!, result.Kv.Revision),
        (_, PutResponse put) => new StoreResponse(put.Revision, put.PrevKv is { } previous ? [Version(previous)] : []),
        (_, DeleteRangeResponse delete) => new StoreResponse(delete.Revision, []) { Succeeded = delete.Deleted > 0 },
        (_, TxnResponse { Succeeded: true } done) => new StoreResponse(done.Revision, []) { Succeeded = true },
        (_, TxnResponse { Responses: [RangeResponse range] } not) => new StoreResponse(not.Revision, [.. range.Kvs.Select(Version)]),
        (_, CompactResponse compacted) => new StoreResponse(compacted.Revision, []) { Succeeded = true },
        (_, LeaseGrantResponse granted) => new StoreResponse(granted.Revision, []) { Lease = ToLeaseState(granted.Lease) },
        (_, LeaseRenewResponse renewed) => new StoreResponse(renewed.Revision, []) { Lease = ToLeaseState(renewed.Lease) },
        (_, LeaseRenewManyResponse many) => new StoreResponse(many.Revision, []) { Leases = [.. many.Leases.Select(ToLeaseState)] },
        (_, LeaseRevokeResponse revoked) => new StoreResponse(revoked.Revision, []) { Succeeded = true },
        (_, LeaseExpireResponse expired) => new StoreResponse(expired.Revision, []) { Succeeded = expired.Expired },
        var (_, response) => throw new InvalidOperationException($"unexpected response to {request}: {response}"),
    };

    /// <summary>Reads some keys, at the newest revision or at a past one.</summary>
    public static StoreResponse Read(KvSnapshot store, KeyInterval keys, long revision = 0)
    {
        var result = store.Range(new RangeRequest(keys) { Revision = revision });
        return result.Response is RangeResponse range
            ? new StoreResponse(range.Revision, [.. range.Kvs.Select(Version)])
            : ToErrorResponse(result.Error!, result.Revision);
    }

    /// <summary>Reads all changes since a revision in one batch.</summary>
    public static StoreResponse ReadChanges(KvSnapshot store, long since, bool wantsPrevious)
    {
        var request = new WatchEventRequest(KeyInterval.All)
        {
            PrevKv = wantsPrevious, MaxBytes = int.MaxValue, MaxChanges = int.MaxValue,
        };
        return store.Events(request, since, out var batch) is { } error
            ? ToErrorResponse(error, store.Revision)
            : new StoreResponse(store.Revision, [.. batch.Events.Select(static e => Version(e.Kv))])
            {
                Previous = wantsPrevious ? [.. batch.Events.Select(static e => e.PrevKv is { } kv ? Version(kv) : (KeyVersion?)null)] : [],
            };
    }

    /// <summary>Reads a lease and the keys attached to it.</summary>
    public static StoreResponse ReadLease(KvSnapshot store, long id) =>
        new(store.Revision, [.. store.LeaseKeys(id).Select(key => Version(store.Get(key.Span)!.Value))])
        {
            Lease = store.GetLease(id) is { } lease ? ToLeaseState(lease) : null,
        };

    private static StoreResponse ToErrorResponse(KvError error, long revision) => new(revision, [])
    {
        Error = error.Kind switch
        {
            KvErrorKind.Compacted => StoreError.Compacted,
            KvErrorKind.LeaseNotFound => StoreError.NoSuchLease,
            KvErrorKind.LeaseExists => StoreError.LeaseExists,
            _ => throw new InvalidOperationException($"unexpected error of the store: {error.Message}"),
        },
    };

    private static LeaseState ToLeaseState(Lease lease) => new(lease.Id, lease.TtlSeconds, lease.RenewedAt.Value);

    /// <summary>Creates a value to write: the tag, and padding of its lowest byte.</summary>
    public static byte[] Value(ulong tag, int bytes)
    {
        var value = new byte[Math.Max(bytes, sizeof(ulong))];
        value.AsSpan().Fill((byte)tag);
        BinaryPrimitives.WriteUInt64LittleEndian(value, tag);
        return value;
    }

    /// <summary>Converts a key-value pair. The tag <see cref="ulong.MaxValue"/> stands for a value that no client wrote.</summary>
    private static KeyVersion Version(KeyValue kv)
    {
        var value = kv.Value.Span;
        if (kv.Version == 0)
            return new KeyVersion(Encoding.ASCII.GetString(kv.Key.Span), 0, 0, kv.ModRevision, 0, 0);
        var tag = value.Length >= sizeof(ulong) ? BinaryPrimitives.ReadUInt64LittleEndian(value) : ulong.MaxValue;
        if (value.Length > sizeof(ulong) && value[sizeof(ulong)..].ContainsAnyExcept((byte)tag))
            tag = ulong.MaxValue;
        return new KeyVersion(Encoding.ASCII.GetString(kv.Key.Span), tag, kv.CreateRevision, kv.ModRevision, kv.Version, kv.Lease);
    }
}
