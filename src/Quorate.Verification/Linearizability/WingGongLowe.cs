namespace Quorate.Verification.Linearizability;

/// <summary>Looks for any order at all that explains a history: a check that believes nothing but what clients saw.</summary>
/// <remarks>
/// Source: Wing and Gong, "Testing and Verifying Concurrent Objects" (1993), the search; Lowe, "Testing for Linearizability" (2017), the memory of where it has been, and the
/// division by keys. It takes exponential time at worst, so it has a budget; one that is used up gives <see cref="CheckResult.Unknown"/>, never a yes.
/// </remarks>
public static class WingGongLowe
{
    /// <summary>Enough for some thousand operations by ten clients on a key, if writes write distinct values; seconds at most.</summary>
    public const long DefaultBudget = 1_000_000;

    /// <summary>Checks a history; <see cref="Operation{TRequest,TResponse}.Index"/> is not looked at.</summary>
    /// <param name="history">The operations, in any order.</param>
    /// <param name="model">What is to be, one after another.</param>
    /// <param name="budget">How many times the model may be asked: steps and not seconds, so that the finding is the same on any machine.</param>
    /// <param name="cancel">Ends the search early, with <see cref="CheckResult.Unknown"/>.</param>
    public static Verdict Check<TState, TRequest, TResponse>(
        IEnumerable<Operation<TRequest, TResponse>> history,
        SequentialModel<TState, TRequest, TResponse> model,
        long budget = DefaultBudget,
        CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(history);
        ArgumentNullException.ThrowIfNull(model);
        var (steps, unknown) = (0L, (Verdict?)null);
        foreach (var part in HistoryPartitions.Split([.. history], model))
        {
            var verdict = new LinearizationSearch<TState, TRequest, TResponse>(part, model).Run(budget - steps, cancel);
            steps += verdict.Steps;
            if (verdict.Result == CheckResult.NotLinearizable)
                return verdict with { Steps = steps };
            if (verdict.Result == CheckResult.Unknown)
                unknown = verdict;
        }

        return unknown is null ? Verdict.Linearizable(steps) : unknown with { Steps = steps };
    }
}
