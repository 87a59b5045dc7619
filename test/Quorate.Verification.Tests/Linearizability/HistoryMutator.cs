using Quorate.Verification.Simulation;
using Quorate.Verification.Simulation.Store;
using Line = Quorate.Verification.Linearizability.Operation<Quorate.Verification.Simulation.Store.StoreRequest, Quorate.Verification.Simulation.Store.StoreResponse>;

namespace Quorate.Verification.Tests.Linearizability;

/// <summary>A history that something was done to, on purpose.</summary>
/// <param name="Kind">What.</param>
/// <param name="History">What came of it.</param>
/// <param name="IsVisibleToClients">No order at all explains it; otherwise only the indexes give it away.</param>
internal sealed record MutatedHistory(string Kind, List<Line> History, bool IsVisibleToClients);

/// <summary>Ways to make a history wrong. Each looks for a place where it is wrong for certain, by what the operations are and when they were; where there is none it does nothing.</summary>
internal static class HistoryMutator
{
    private static readonly (string Kind, Func<List<Line>, Prng, bool?> Do)[] Mutations =
    [
        ("a stale read", StaleRead),
        ("a read of a value that was never written", UnwrittenValue),
        ("a read that finds nothing where something is", LostWrite),
        ("an acknowledged write that took effect nowhere", DroppedWrite),
        ("a write that took effect twice", AppliedTwice),
        ("two answers changed for each other", SwappedResponses),
        ("two writes in each other's place", SwappedIndexes),
        ("two writes in one place", DuplicateIndex),
        ("a write that returned before another began, behind it", ReturnedTooEarly),
        ("a refused swap that took effect", FailedSwapThatTookEffect),
        ("a swap that says done and was not", SucceededSwapWithoutEffect),
        ("an append at another's place", AppendAtDuplicatePosition),
        ("a list without its middle", ListWithMissingElement),
        ("a delete that says the opposite of what it did", InvertedDelete),
    ];

    public static IReadOnlyList<string> Kinds { get; } = [.. Mutations.Select(static w => w.Kind)];

    /// <summary>Does something to a copy of a history; null when there was no place for it.</summary>
    public static MutatedHistory? TryMutate(IReadOnlyList<Line> history, int kind, Prng dice)
    {
        List<Line> copy = [.. history];
        return Mutations[kind].Do(copy, dice) is { } seen ? new MutatedHistory(Mutations[kind].Kind, copy, seen) : null;
    }

    /// <summary>
    /// A read shows what its key was before a write that had returned when the read began. The value it shows was put there by a write that had returned when the other began, and by no
    /// other: it can be the value at no moment of the read.
    /// </summary>
    private static bool? StaleRead(List<Line> history, Prng dice) =>
        MutateOne(history, dice, static (all, read) =>
        {
            if (read is not { Request.Kind: StoreRequestKind.Get, HasReturned: true, Response.Versions: [var now] })
                return null;
            var older = all.Select(static o => o.Response!).FirstOrDefault(r => r is { Versions: [var then] } && then.Key == now.Key && then.Version < now.Version && then.Created == now.Created);
            if (older is null)
                return null;
            var (first, last) = (WriterOf(all, older.Versions[0].Value), WriterOf(all, now.Value));
            return first?.Returned < last?.Invoked && last?.Returned < read.Invoked ? read with { Response = older } : null;
        }) ? true : null;

    private static bool? UnwrittenValue(List<Line> history, Prng dice) =>
        MutateOne(history, dice, static (_, read) => read is { Request.Kind: StoreRequestKind.Get, HasReturned: true, Response.Versions: [var now] }
            ? read with { Response = read.Response with { Versions = [now with { Value = ulong.MaxValue }] } }
            : null) ? true : null;

    /// <summary>The key was written and never deleted by anybody, nor by the end of a lease, and the write had returned.</summary>
    private static bool? LostWrite(List<Line> history, Prng dice) =>
        MutateOne(history, dice, static (all, read) =>
            read is { Request.Kind: StoreRequestKind.Get, HasReturned: true, Response.Versions: [var now] }
            && WriterOf(all, now.Value)?.Returned < read.Invoked
            && !all.Exists(o => o.Request.Kind == StoreRequestKind.Delete && o.Request.Keys[0] == now.Key)
            && !all.Exists(o => o.Request.Lease != 0 && o.Request.Keys[0] == now.Key)
                ? read with { Response = read.Response with { Versions = [] } }
                : null) ? true : null;

    private static bool? DroppedWrite(List<Line> history, Prng dice) =>
        MutateOne(history, dice, static (_, write) => write is { IsRead: false, HasReturned: true } ? write with { Index = null } : null) ? false : null;

    /// <summary>As if a put had been applied once more at the end of the log, with another's place and no other's answer: whoever comes behind it counts one revision more.</summary>
    private static bool? AppliedTwice(List<Line> history, Prng dice)
    {
        var puts = history.FindAll(static o => o is { Request.Kind: StoreRequestKind.Put, HasReturned: true });
        if (puts.Count < 2)
            return null;
        var twice = puts[dice.Next(0, puts.Count - 1)];
        var behind = false;
        for (var i = 0; i < history.Count; i++)
        {
            var o = history[i];
            if (o.Index <= twice.Index || o.Response is not { Revision: > 0 } answered)
                continue;
            behind = true;
            history[i] = o with { Response = answered with { Revision = answered.Revision + 1 } };
        }

        return behind ? false : null;
    }

    /// <summary>Two reads of a key, one after the other, with different writes between: the first shows what came after it.</summary>
    private static bool? SwappedResponses(List<Line> history, Prng dice)
    {
        var reads = history.FindAll(static o => o is { Request.Kind: StoreRequestKind.Get, HasReturned: true, Response.Versions.Length: 1 });
        for (var tries = 0; tries < 50 && reads.Count > 1; tries++)
        {
            var (a, b) = (reads[dice.Next(0, reads.Count)], reads[dice.Next(0, reads.Count)]);
            if (a.Request.Keys[0] != b.Request.Keys[0] || a.Response!.Versions[0].Value == b.Response!.Versions[0].Value || !(WriterOf(history, b.Response.Versions[0].Value)?.Invoked > a.Returned))
                continue;
            history[history.IndexOf(a)] = a with { Response = b.Response };
            history[history.IndexOf(b)] = b with { Response = a.Response };
            return true;
        }

        return null;
    }

    private static bool? SwappedIndexes(List<Line> history, Prng dice)
    {
        var writes = history.FindAll(static o => o is { Request.Kind: StoreRequestKind.Put or StoreRequestKind.Append, HasReturned: true });
        for (var tries = 0; tries < 50 && writes.Count > 1; tries++)
        {
            var (a, b) = (writes[dice.Next(0, writes.Count)], writes[dice.Next(0, writes.Count)]);
            if (a.Number == b.Number || a.Request.Kind != b.Request.Kind)
                continue;
            history[history.IndexOf(a)] = a with { Index = b.Index };
            history[history.IndexOf(b)] = b with { Index = a.Index };
            return false;
        }

        return null;
    }

    private static bool? DuplicateIndex(List<Line> history, Prng dice)
    {
        var writes = history.FindAll(static o => o is { IsRead: false, Index: not null });
        if (writes.Count < 2)
            return null;
        var at = dice.Next(1, writes.Count);
        history[history.IndexOf(writes[at])] = writes[at] with { Index = writes[at - 1].Index };
        return false;
    }

    /// <summary>It is moved before the beginning of a write that stands before it: in the log they stand as they did, in time the other way about.</summary>
    private static bool? ReturnedTooEarly(List<Line> history, Prng dice)
    {
        for (var tries = 0; tries < 50; tries++)
        {
            var (a, b) = (history[dice.Next(0, history.Count)], history[dice.Next(0, history.Count)]);
            if (!b.HasReturned || a.IsRead || !(a.Index < b.Index) || a.Invoked < 2)
                continue;
            history[history.IndexOf(b)] = b with { Invoked = Math.Min(b.Invoked, a.Invoked - 2), Returned = a.Invoked - 1 };

            // Appends have their places in their answers; of others who knows whether they might not have stood the other way about.
            return a.HasReturned && a.Request.Kind == StoreRequestKind.Append && b.Request.Kind == StoreRequestKind.Append;
        }

        return null;
    }

    /// <summary>It said that the key was another, and whoever reads the key afterwards sees that it was swapped all the same.</summary>
    private static bool? FailedSwapThatTookEffect(List<Line> history, Prng dice) =>
        MutateOne(history, dice, static (_, swap) => swap is { Request.Kind: StoreRequestKind.Swap, HasReturned: true, Response: { Succeeded: true, Revision: > 0 } }
            ? swap with { Response = swap.Response with { Succeeded = false } }
            : null) ? false : null;

    private static bool? SucceededSwapWithoutEffect(List<Line> history, Prng dice) =>
        MutateOne(history, dice, static (_, swap) => swap is { Request.Kind: StoreRequestKind.Swap, HasReturned: true, Response.Succeeded: false }
            ? swap with { Response = swap.Response with { Succeeded = true, Versions = [] } }
            : null) ? false : null;

    /// <summary>Two appends with one place in the list.</summary>
    private static bool? AppendAtDuplicatePosition(List<Line> history, Prng dice)
    {
        var appends = history.FindAll(static o => o is { Request.Kind: StoreRequestKind.Append, HasReturned: true });
        if (appends.Count < 2)
            return null;
        var at = dice.Next(1, appends.Count);
        history[history.IndexOf(appends[at])] = appends[at] with { Response = appends[at].Response! with { ListLength = appends[at - 1].Response!.ListLength } };
        return true;
    }

    /// <summary>An element that was acknowledged before the read began is gone, and the rest stands one place further to the front.</summary>
    private static bool? ListWithMissingElement(List<Line> history, Prng dice) =>
        MutateOne(history, dice, static (all, read) =>
        {
            if (read is not { Request.Kind: StoreRequestKind.GetList, HasReturned: true, Response.List: { Length: > 1 } list } || !(WriterOf(all, list.Previous!.Last)?.Returned < read.Invoked))
                return null;
            return read with { Response = read.Response with { List = list.Previous.Previous!.Append(list.Last) } };
        }) ? true : null;

    private static bool? InvertedDelete(List<Line> history, Prng dice) =>
        MutateOne(history, dice, static (_, delete) => delete is { Request.Kind: StoreRequestKind.Delete, HasReturned: true }
            ? delete with { Response = delete.Response! with { Succeeded = !delete.Response.Succeeded } }
            : null) ? false : null;

    /// <summary>Changes one of the operations that can be changed.</summary>
    private static bool MutateOne(List<Line> history, Prng dice, Func<List<Line>, Line, Line?> change)
    {
        var from = dice.Next(0, Math.Max(1, history.Count));
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

    private static Line? WriterOf(List<Line> history, ulong value) => history.Find(o => o.Request.Value == value && !o.IsRead && o.HasReturned);
}
