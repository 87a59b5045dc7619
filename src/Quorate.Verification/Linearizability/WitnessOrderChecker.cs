namespace Quorate.Verification.Linearizability;

/// <summary>Checks the one order that the system itself claims, in a single pass.</summary>
/// <remarks>
/// <para>
/// A replicated log is a witness: the index of a write, and the index up to which a read observed the log, define an order. The check
/// requires two things of it. An operation that was invoked after another had returned comes after it. And the sequential model, executed
/// in this order, gives the responses that clients received.
/// </para>
/// <para>
/// A violation does not prove that no other order exists; it proves that the claimed order is not a linearization. The cost is n log n, for
/// sorting. <see cref="WingGongLowe"/> is the check that does not rely on the indexes.
/// </para>
/// </remarks>
public static class WitnessOrderChecker
{
    /// <summary>Checks a history whose operations have their <see cref="HistoryOperation{TRequest,TResponse}.Index"/>.</summary>
    public static LinearizabilityReport Check<TState, TRequest, TResponse>(
        IEnumerable<HistoryOperation<TRequest, TResponse>> history, SequentialModel<TState, TRequest, TResponse> model)
    {
        ArgumentNullException.ThrowIfNull(history);
        ArgumentNullException.ThrowIfNull(model);
        var order = new List<HistoryOperation<TRequest, TResponse>>();
        foreach (var operation in history)
        {
            if (operation.Index is not null)
                order.Add(operation);
            else if (operation.HasReturned)
                return LinearizabilityReport.NotLinearizable($"{operation.Describe(model)}, but took effect at no index", 0);
        }

        order.Sort(CompareByWitness);
        var state = model.Initial;
        HistoryOperation<TRequest, TResponse>? latest = null;
        for (var i = 0; i < order.Count; i++)
        {
            var operation = order[i];
            if (i > 0 && !operation.IsRead && order[i - 1].Index == operation.Index)
                return LinearizabilityReport.NotLinearizable($"{order[i - 1]} and {operation} both took effect at index {operation.Index}",
                    i);
            if (latest is not null && operation.Returned < latest.Invoked)
                return LinearizabilityReport.NotLinearizable(DescribeOrderViolation(earlier: operation, later: latest, model), i);
            if (latest is null || operation.Invoked > latest.Invoked)
                latest = operation;

            var expected = model.Step(state, operation.Request, out state);
            if (operation.HasReturned && !model.Matches(expected, operation.Response!))
                return LinearizabilityReport.NotLinearizable(DescribeWrongResponse(order, i, expected, model), i + 1);
        }

        return LinearizabilityReport.Linearizable(order.Count);
    }

    /// <summary>
    /// A read comes after the write it observed, and reads of the same write are ordered by invocation: no other order violates real time
    /// less.
    /// </summary>
    private static int CompareByWitness<TRequest, TResponse>(HistoryOperation<TRequest, TResponse> a,
        HistoryOperation<TRequest, TResponse> b)
    {
        var byIndex = a.Index!.Value.CompareTo(b.Index!.Value);
        if (byIndex != 0)
            return byIndex;
        if (a.IsRead != b.IsRead)
            return a.IsRead ? 1 : -1;
        var byTime = a.Invoked.CompareTo(b.Invoked);
        return byTime != 0 ? byTime : a.Number.CompareTo(b.Number);
    }

    private static string DescribeOrderViolation<TState, TRequest, TResponse>(
        HistoryOperation<TRequest, TResponse> earlier, HistoryOperation<TRequest, TResponse> later,
        SequentialModel<TState, TRequest, TResponse> model) =>
        $"{later} began at {HistoryOperation<TRequest, TResponse>.FormatSeconds(later.Invoked)}, "
        + $"after {earlier} had returned at {HistoryOperation<TRequest, TResponse>.FormatSeconds(earlier.Returned!.Value)} "
        + $"({model.Describe(earlier.Response)}), but precedes it in the log: "
        + $"it {(later.IsRead ? "observed" : "took effect at")} index {later.Index}, the other {earlier.Index}"
        + (later.HasReturned ? $", and it returned {model.Describe(later.Response)}" : "");

    private static string DescribeWrongResponse<TState, TRequest, TResponse>(
        List<HistoryOperation<TRequest, TResponse>> order, int at, TResponse expected, SequentialModel<TState, TRequest, TResponse> model)
    {
        var operation = order[at];
        var before = at - 1;
        while (before >= 0 && (order[before].IsRead || !Touches(model, order[before].Request, operation.Request)))
            before--;
        var behind = before < 0 ? "before any write" : $"after {order[before]} at index {order[before].Index}";
        return $"{operation.Describe(model)}; at index {operation.Index}, {behind}, the result is {model.Describe(expected)}";
    }

    private static bool Touches<TState, TRequest, TResponse>(SequentialModel<TState, TRequest, TResponse> model, TRequest a, TRequest b)
    {
        var ofA = model.KeysOf(a);
        var ofB = model.KeysOf(b);
        return ofA.IsEmpty || ofB.IsEmpty || ofA.ContainsAny(ofB);
    }
}
