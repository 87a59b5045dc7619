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
    public const int SearchedMax = 400;

    /// <summary>Nine of ten such histories take less than a thousand steps. The tenth has dozens of unanswered writes to the same keys, and would not end in a million either.</summary>
    private const long SearchBudget = 2_000;

    public static Verdict Check(Application<StoreMachine, StoreResult> application, Tally tally)
    {
        var history = Of(application);
        var verdict = Witness.Check(history, new StoreModel());
        if (!verdict.IsLinearizable || history.Count > SearchedMax)
            return verdict;
        verdict = WingGongLowe.Check(AsSeenFromOutside(history), new StoreModel(isPart: true), SearchBudget);
        tally.Add("searched for an order: " + verdict.Finding);
        return verdict;
    }

    /// <summary>The history with the indexes at which everything took effect.</summary>
    public static List<Line> Of(Application<StoreMachine, StoreResult> application)
    {
        var history = new List<Line>(application.History.Count);
        foreach (var operation in application.History)
        {
            if (operation.Outcome == OperationOutcome.Rejected || operation.What is not StoreRequest request)
                continue;
            var returned = operation.Outcome is OperationOutcome.Committed or OperationOutcome.Granted;
            if (!returned && request.IsRead)
                continue;
            history.Add(new Line
            {
                Number = operation.Number,
                Client = operation.Client,
                At = $"member {operation.At}",
                Invoked = operation.Began,
                Returned = returned ? operation.Ended : null,
                Request = request,
                Response = returned ? operation.Answer as StoreResponse ?? Response(request, operation.Result) : null,
                IsRead = request.IsRead,
                Index = request.IsRead ? operation.Index.Value : application.Ledger.EntryOf(operation.Number)?.Index.Value,
            });
        }

        return history;
    }

    /// <summary>
    /// The history without anything that says how the parts of the store stand to each other. What remains of a revision is a name: whoever read a key knows a write by it. The name of
    /// a write that was never answered is known if anybody read what it wrote; and so is the place of an append.
    /// </summary>
    public static List<Line> AsSeenFromOutside(IReadOnlyList<Line> history)
    {
        var nameOf = new Dictionary<ulong, long>();
        var longest = AppendedList.Empty;
        foreach (var operation in history)
        {
            foreach (var seen in operation.Response?.Seen ?? [])
                nameOf.TryAdd(seen.Value, seen.Modified);
            if (operation.Response?.List is { } list && list.Length > longest.Length)
                longest = list;
        }

        var seenLength = longest.Length;
        for (; longest.Length > 0; longest = longest.Before!)
            nameOf.TryAdd(longest.Last, longest.Length);
        return [.. history.Select(o => o with { Index = null, Request = o.Request with { Revision = NameOf(o) } })];

        long NameOf(Line o) =>
            o.HasReturned ? o.Response!.Revision
            : nameOf.TryGetValue(o.Request.Value, out var name) ? name
            : o.Request.Kind == StoreRequestKind.Append ? -seenLength
            : -(long)o.Number;
    }

    /// <summary>What a command answered.</summary>
    public static StoreResponse Response(StoreRequest request, StoreResult result) => (request.Kind, result.Kv.Response) switch
    {
        (StoreRequestKind.Append, _) => new StoreResponse(0, []) { Length = result.Length },
        (_, PutResponse put) => new StoreResponse(put.Revision, put.PrevKv is { } previous ? [Version(previous)] : []),
        (_, DeleteRangeResponse delete) => new StoreResponse(delete.Revision, []) { Succeeded = delete.Deleted > 0 },
        (_, TxnResponse { Succeeded: true } done) => new StoreResponse(done.Revision, []) { Succeeded = true },
        (_, TxnResponse { Responses: [RangeResponse range] } not) => new StoreResponse(not.Revision, [.. range.Kvs.Select(Version)]),
        var (_, response) => throw new InvalidOperationException($"{request} was answered {response}"),
    };

    /// <summary>What a read of some keys sees.</summary>
    public static StoreResponse Read(KvSnapshot store, KeyInterval keys) =>
        store.Range(new RangeRequest(keys)).Response is RangeResponse range
            ? new StoreResponse(range.Revision, [.. range.Kvs.Select(Version)])
            : throw new InvalidOperationException($"the store cannot read {keys}");

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
        var tag = value.Length >= sizeof(ulong) ? BinaryPrimitives.ReadUInt64LittleEndian(value) : ulong.MaxValue;
        if (value.Length > sizeof(ulong) && value[sizeof(ulong)..].ContainsAnyExcept((byte)tag))
            tag = ulong.MaxValue;
        return new KeyVersion(Encoding.ASCII.GetString(kv.Key.Span), tag, kv.CreateRevision, kv.ModRevision, kv.Version);
    }
}
