using Quorate.Verification.Simulation;
using Quorate.Verification.Simulation.Store;
using StoreOperation = Quorate.Verification.Linearizability.HistoryOperation<
    Quorate.Verification.Simulation.Store.StoreRequest,
    Quorate.Verification.Simulation.Store.StoreResponse>;

namespace Quorate.Verification.Tests.Linearizability;

/// <summary>A history with one injected anomaly.</summary>
/// <param name="Kind">The kind of anomaly.</param>
/// <param name="History">The history with the anomaly.</param>
/// <param name="IsVisibleToClients">
/// True if no order of the operations explains the responses; false if only the log indexes reveal the anomaly.
/// </param>
internal sealed record MutatedHistory(string Kind, List<StoreOperation> History, bool IsVisibleToClients);

/// <summary>
/// Mutations that make a history wrong. Each looks for operations whose kinds and times make the mutation certainly wrong, and does nothing
/// if there are none.
/// </summary>
internal static class HistoryMutator
{
    private static readonly (string Kind, Func<List<StoreOperation>, Prng, bool?> Do)[] Mutations =
    [
        ("a stale read", StaleRead),
        ("a read of a value that was never written", UnwrittenValue),
        ("a read that misses an existing key", LostWrite),
        ("an acknowledged write without an index", DroppedWrite),
        ("a write that took effect twice", AppliedTwice),
        ("the responses of two reads swapped", SwappedResponses),
        ("the indexes of two writes swapped", SwappedIndexes),
        ("two writes at one index", DuplicateIndex),
        ("a write that returned before another began, at a higher index", ReturnedTooEarly),
        ("a failed swap that took effect", FailedSwapThatTookEffect),
        ("a successful swap without effect", SucceededSwapWithoutEffect),
        ("two appends at one list position", AppendAtDuplicatePosition),
        ("a list with a missing element", ListWithMissingElement),
        ("a delete with an inverted result", InvertedDelete),
    ];

    public static IReadOnlyList<string> Kinds { get; } = [.. Mutations.Select(static w => w.Kind)];

    /// <summary>Applies a mutation to a copy of a history; returns null if the history offers no place for it.</summary>
    public static MutatedHistory? TryMutate(IReadOnlyList<StoreOperation> history, int kind, Prng prng)
    {
        List<StoreOperation> copy = [.. history];
        return Mutations[kind].Do(copy, prng) is { } seen ? new MutatedHistory(Mutations[kind].Kind, copy, seen) : null;
    }

    /// <summary>
    /// A read returns the value of its key from before a write that had returned when the read began. The only write of that value had
    /// returned before the newer write began, so at no moment during the read was it the current value.
    /// </summary>
    private static bool? StaleRead(List<StoreOperation> history, Prng prng) =>
        MutateOne(history, prng, static (all, read) =>
        {
            if (read is not { Request.Kind: StoreRequestKind.Get, HasReturned: true, Response.Versions: [var now] })
                return null;
            var older = all.Select(static o => o.Response!)
                .FirstOrDefault(r => r is { Versions: [var then] } && then.Key == now.Key && then.Version < now.Version
                    && then.Created == now.Created);
            if (older is null)
                return null;
            var (first, last) = (WriterOf(all, older.Versions[0].Value), WriterOf(all, now.Value));
            return first?.Returned < last?.Invoked && last?.Returned < read.Invoked ? read with { Response = older } : null;
        }) ? true : null;

    private static bool? UnwrittenValue(List<StoreOperation> history, Prng prng) =>
        MutateOne(history, prng,
            static (_, read) => read is { Request.Kind: StoreRequestKind.Get, HasReturned: true, Response.Versions: [var now] }
            ? read with { Response = read.Response with { Versions = [now with { Value = ulong.MaxValue }] } }
            : null) ? true : null;

    /// <summary>The key was written before the read began, and no client deleted it and no lease could remove it.</summary>
    private static bool? LostWrite(List<StoreOperation> history, Prng prng) =>
        MutateOne(history, prng, static (all, read) =>
            read is { Request.Kind: StoreRequestKind.Get, HasReturned: true, Response.Versions: [var now] }
            && WriterOf(all, now.Value)?.Returned < read.Invoked
            && !all.Exists(o => o.Request.Kind == StoreRequestKind.Delete && o.Request.Keys[0] == now.Key)
            && !all.Exists(o => o.Request.Lease != 0 && o.Request.Keys[0] == now.Key)
                ? read with { Response = read.Response with { Versions = [] } }
                : null) ? true : null;

    private static bool? DroppedWrite(List<StoreOperation> history, Prng prng) =>
        MutateOne(history, prng, static (_, write) => write is { IsRead: false, HasReturned: true } ? write with { Index = null } : null)
            ? false
            : null;

    /// <summary>
    /// As if a put had been applied a second time: every operation after it in the log reports a revision that is one higher.
    /// </summary>
    private static bool? AppliedTwice(List<StoreOperation> history, Prng prng)
    {
        var puts = history.FindAll(static o => o is { Request.Kind: StoreRequestKind.Put, HasReturned: true });
        if (puts.Count < 2)
            return null;
        var twice = puts[prng.Next(0, puts.Count - 1)];
        var behind = false;
        for (var i = 0; i < history.Count; i++)
        {
            var o = history[i];
            if (o.Index <= twice.Index || o.Response is not { Revision: > 0 } response)
                continue;
            behind = true;
            history[i] = o with { Response = response with { Revision = response.Revision + 1 } };
        }

        return behind ? false : null;
    }

    /// <summary>Swaps the responses of two reads of one key with a write between them: the earlier read returns the later value.</summary>
    private static bool? SwappedResponses(List<StoreOperation> history, Prng prng)
    {
        var reads =
            history.FindAll(static o => o is { Request.Kind: StoreRequestKind.Get, HasReturned: true, Response.Versions.Length: 1 });
        for (var tries = 0; tries < 50 && reads.Count > 1; tries++)
        {
            var (a, b) = (reads[prng.Next(0, reads.Count)], reads[prng.Next(0, reads.Count)]);
            if (a.Request.Keys[0] != b.Request.Keys[0] || a.Response!.Versions[0].Value == b.Response!.Versions[0].Value
                || !(WriterOf(history, b.Response.Versions[0].Value)?.Invoked > a.Returned))
                continue;
            history[history.IndexOf(a)] = a with { Response = b.Response };
            history[history.IndexOf(b)] = b with { Response = a.Response };
            return true;
        }

        return null;
    }

    private static bool? SwappedIndexes(List<StoreOperation> history, Prng prng)
    {
        var writes = history.FindAll(static o => o is { Request.Kind: StoreRequestKind.Put or StoreRequestKind.Append, HasReturned: true });
        for (var tries = 0; tries < 50 && writes.Count > 1; tries++)
        {
            var (a, b) = (writes[prng.Next(0, writes.Count)], writes[prng.Next(0, writes.Count)]);
            if (a.Number == b.Number || a.Request.Kind != b.Request.Kind)
                continue;
            history[history.IndexOf(a)] = a with { Index = b.Index };
            history[history.IndexOf(b)] = b with { Index = a.Index };
            return false;
        }

        return null;
    }

    private static bool? DuplicateIndex(List<StoreOperation> history, Prng prng)
    {
        var writes = history.FindAll(static o => o is { IsRead: false, Index: not null });
        if (writes.Count < 2)
            return null;
        var at = prng.Next(1, writes.Count);
        history[history.IndexOf(writes[at])] = writes[at] with { Index = writes[at - 1].Index };
        return false;
    }

    /// <summary>
    /// Moves an operation in time before a write that precedes it in the log: the order in the log stays, the order in time is reversed.
    /// </summary>
    private static bool? ReturnedTooEarly(List<StoreOperation> history, Prng prng)
    {
        for (var tries = 0; tries < 50; tries++)
        {
            var (a, b) = (history[prng.Next(0, history.Count)], history[prng.Next(0, history.Count)]);
            if (!b.HasReturned || a.IsRead || !(a.Index < b.Index) || a.Invoked < 2)
                continue;
            history[history.IndexOf(b)] = b with { Invoked = Math.Min(b.Invoked, a.Invoked - 2), Returned = a.Invoked - 1 };

            // Appends return their positions, so their order is visible to clients; other writes might just as well have happened in the
            // other order.
            return a.HasReturned && a.Request.Kind == StoreRequestKind.Append && b.Request.Kind == StoreRequestKind.Append;
        }

        return null;
    }

    /// <summary>A swap reports that its comparison failed, although later reads see that it took effect.</summary>
    private static bool? FailedSwapThatTookEffect(List<StoreOperation> history, Prng prng) =>
        MutateOne(history, prng,
            static (_, swap) =>
                swap is { Request.Kind: StoreRequestKind.Swap, HasReturned: true, Response: { Succeeded: true, Revision: > 0 } }
            ? swap with { Response = swap.Response with { Succeeded = false } }
            : null) ? false : null;

    private static bool? SucceededSwapWithoutEffect(List<StoreOperation> history, Prng prng) =>
        MutateOne(history, prng,
            static (_, swap) => swap is { Request.Kind: StoreRequestKind.Swap, HasReturned: true, Response.Succeeded: false }
            ? swap with { Response = swap.Response with { Succeeded = true, Versions = [] } }
            : null) ? false : null;

    /// <summary>Two appends report the same position in the list.</summary>
    private static bool? AppendAtDuplicatePosition(List<StoreOperation> history, Prng prng)
    {
        var appends = history.FindAll(static o => o is { Request.Kind: StoreRequestKind.Append, HasReturned: true });
        if (appends.Count < 2)
            return null;
        var at = prng.Next(1, appends.Count);
        history[history.IndexOf(appends[at])] =
            appends[at] with { Response = appends[at].Response! with { ListLength = appends[at - 1].Response!.ListLength } };
        return true;
    }

    /// <summary>A read misses an element that was acknowledged before the read began.</summary>
    private static bool? ListWithMissingElement(List<StoreOperation> history, Prng prng) =>
        MutateOne(history, prng, static (all, read) =>
        {
            if (read is not { Request.Kind: StoreRequestKind.GetList, HasReturned: true, Response.List: { Length: > 1 } list }
                || !(WriterOf(all, list.Previous!.Last)?.Returned < read.Invoked))
                return null;
            return read with { Response = read.Response with { List = list.Previous.Previous!.Append(list.Last) } };
        }) ? true : null;

    private static bool? InvertedDelete(List<StoreOperation> history, Prng prng) =>
        MutateOne(history, prng, static (_, delete) => delete is { Request.Kind: StoreRequestKind.Delete, HasReturned: true }
            ? delete with { Response = delete.Response! with { Succeeded = !delete.Response.Succeeded } }
            : null) ? false : null;

    /// <summary>Mutates one operation to which the mutation applies, starting at a random place.</summary>
    private static bool MutateOne(
        List<StoreOperation> history, Prng prng, Func<List<StoreOperation>, StoreOperation, StoreOperation?> change)
    {
        var from = prng.Next(0, Math.Max(1, history.Count));
        for (var i = 0; i < history.Count; i++)
        {
            var at = (from + i) % history.Count;
            if (change(history, history[at]) is not { } changed)
                continue;
            history[at] = changed;
            return true;
        }

        return false;
    }

    private static StoreOperation? WriterOf(List<StoreOperation> history, ulong value) =>
        history.Find(o => o.Request.Value == value && !o.IsRead && o.HasReturned);
}
