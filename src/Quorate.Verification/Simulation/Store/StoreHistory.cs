using System.Buffers.Binary;
using System.Text;
using Quorate.Kv;
using Quorate.Verification.Linearizability;
using Quorate.Verification.Simulation.Workload;
using Line = Quorate.Verification.Linearizability.Operation<Quorate.Verification.Simulation.Store.StoreRequest, Quorate.Verification.Simulation.Store.StoreResponse>;

namespace Quorate.Verification.Simulation.Store;

/// <summary>What clients saw of the store and of the list, and the two checks of it.</summary>
internal static class StoreHistory
{
    /// <summary>Histories up to this length are also searched for an order without a look at indexes: the search takes longer than the walk.</summary>
    public const int SearchedOperationsMax = 400;

    /// <summary>Nine of ten such histories take less than a thousand steps. The tenth has dozens of unanswered writes to the same keys, and would not end in a million either.</summary>
    private const long SearchBudget = 2_000;

    /// <summary>Under what it is counted that an expiry ended its lease, and that it did not.</summary>
    public const string Expired = "store: a lease expired";
    public const string ExpirySuperseded = "store: an expiry came too late";

    private static readonly string[] KindNames = [.. Enum.GetNames<StoreRequestKind>().Select(static name => "store: " + name)];
    private static readonly string[] ErrorNames = [.. Enum.GetNames<StoreError>().Select(static name => "store: refused, " + name)];

    public static Verdict Check(Application<StoreStateMachine, StoreResult> application, Counters counters)
    {
        var history = Build(application);
        CountOutcomes(history, counters);
        var verdict = Witness.Check(history, new StoreModel());
        if (!verdict.IsLinearizable || history.Count > SearchedOperationsMax)
            return verdict;
        verdict = WingGongLowe.Check(WithoutIndexes(history), new StoreModel(isPartial: true), SearchBudget);
        counters.Increment("searched for an order: " + verdict.Result);
        return verdict;
    }

    /// <summary>Under what it is counted that such a thing was asked and answered.</summary>
    public static string CounterName(StoreRequestKind kind) => KindNames[(int)kind];

    /// <summary>Under what it is counted that the store refused.</summary>
    public static string CounterName(StoreError error) => ErrorNames[(int)error];

    private static void CountOutcomes(List<Line> history, Counters counters)
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

    /// <summary>The history with the indexes at which everything took effect.</summary>
    public static List<Line> Build(Application<StoreStateMachine, StoreResult> application)
    {
        var history = new List<Line>(application.History.Count);
        foreach (var operation in application.History)
        {
            if (operation.Outcome == OperationOutcome.Rejected || operation.Description is not StoreRequest request)
                continue;
            var returned = operation.Outcome is OperationOutcome.Committed or OperationOutcome.Granted;
            if (!returned && request.IsRead)
                continue;
            history.Add(new Line
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

    /// <summary>A grant and a renewal are called by their entries, as an expiry calls them; one that took effect nowhere by what none is called.</summary>
    private static StoreRequest WithRenewalId(StoreRequest request, ulong? entry) =>
        request.Kind is StoreRequestKind.Grant or StoreRequestKind.Renew ? request with { RenewalEntry = entry ?? ulong.MaxValue } : request;

    /// <summary>
    /// The history without anything that says how the parts of the store stand to each other. What remains of a revision is a name: whoever read a key knows a write by it. The name of
    /// a write that was never answered is known if anybody read what it wrote; and so is the place of an append. Reads of the past are left out: they are about the revisions of the whole.
    /// </summary>
    public static List<Line> WithoutIndexes(IReadOnlyList<Line> history)
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
        return [.. history.Where(static o => !o.Request.IsHistoricalRead).Select(o => o with { Index = null, Request = o.Request with { AssignedRevision = NameOf(o) } })];

        long NameOf(Line o) =>
            o.HasReturned ? o.Response!.Revision
            : nameOf.TryGetValue(o.Request.Value, out var name) ? name
            : o.Request.Kind == StoreRequestKind.Append ? -seenLength
            : -(long)o.Number;
    }

    /// <summary>What a command answered.</summary>
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
        (_, LeaseRevokeResponse revoked) => new StoreResponse(revoked.Revision, []) { Succeeded = true },
        (_, LeaseExpireResponse expired) => new StoreResponse(expired.Revision, []) { Succeeded = expired.Expired },
        var (_, response) => throw new InvalidOperationException($"{request} was answered {response}"),
    };

    /// <summary>What a read of some keys sees, as they are, or as they were at a revision.</summary>
    public static StoreResponse Read(KvSnapshot store, KeyInterval keys, long revision = 0)
    {
        var result = store.Range(new RangeRequest(keys) { Revision = revision });
        return result.Response is RangeResponse range ? new StoreResponse(range.Revision, [.. range.Kvs.Select(Version)]) : ToErrorResponse(result.Error!, result.Revision);
    }

    /// <summary>What has happened since a revision, all of it at once.</summary>
    public static StoreResponse ReadChanges(KvSnapshot store, long since) =>
        store.Events(new EventRequest(KeyInterval.All) { MaxBytes = int.MaxValue, MaxChanges = int.MaxValue }, since, out var batch) is { } error
            ? ToErrorResponse(error, store.Revision)
            : new StoreResponse(store.Revision, [.. batch.Events.Select(static e => Version(e.Kv))]);

    /// <summary>A lease, and the keys that hang on it.</summary>
    public static StoreResponse ReadLease(KvSnapshot store, long id) =>
        new(store.Revision, [.. store.LeaseKeys(id).Select(key => Version(store.Get(key.Span)!.Value))]) { Lease = store.GetLease(id) is { } lease ? ToLeaseState(lease) : null };

    private static StoreResponse ToErrorResponse(KvError error, long revision) => new(revision, [])
    {
        Error = error.Kind switch
        {
            KvErrorKind.Compacted => StoreError.Compacted,
            KvErrorKind.LeaseNotFound => StoreError.NoSuchLease,
            KvErrorKind.LeaseExists => StoreError.LeaseExists,
            _ => throw new InvalidOperationException($"the store refused: {error.Message}"),
        },
    };

    private static LeaseState ToLeaseState(Lease lease) => new(lease.Id, lease.TtlSeconds, lease.RenewedAt.Value);

    /// <summary>A value that is written: the tag, and what makes it longer.</summary>
    public static byte[] Value(ulong tag, int bytes)
    {
        var value = new byte[Math.Max(bytes, sizeof(ulong))];
        value.AsSpan().Fill((byte)tag);
        BinaryPrimitives.WriteUInt64LittleEndian(value, tag);
        return value;
    }

    /// <summary>The largest number stands for a value nobody wrote.</summary>
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
