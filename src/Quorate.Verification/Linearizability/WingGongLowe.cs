namespace Quorate.Verification.Linearizability;

/// <summary>Searches for any order that explains a history: a check that relies on nothing but what clients observed.</summary>
/// <remarks>
/// Source: the search is from Wing and Gong, "Testing and Verifying Concurrent Objects" (1993); the memory of visited configurations and
/// the partition by keys from Lowe, "Testing for Linearizability" (2017). It takes exponential time at worst, so it has a budget; when that
/// is used up, the result is <see cref="LinearizabilityCheckResult.Unknown"/>, which does not count as a pass.
/// </remarks>
public static class WingGongLowe
{
    /// <summary>
    /// Enough for a few thousand operations of ten clients on one key, if writes write distinct values; takes seconds at most.
    /// </summary>
    public const long DefaultBudget = 1_000_000;

    /// <summary>Checks a history; <see cref="HistoryOperation{TRequest,TResponse}.Index"/> is ignored.</summary>
    /// <param name="history">The operations, in any order.</param>
    /// <param name="model">The sequential specification.</param>
    /// <param name="budget">
    /// How many times the model may be executed: steps and not seconds, so that the result is the same on every computer.
    /// </param>
    /// <param name="cancel">Stops the search early, with <see cref="LinearizabilityCheckResult.Unknown"/>.</param>
    public static LinearizabilityReport Check<TState, TRequest, TResponse>(
        IEnumerable<HistoryOperation<TRequest, TResponse>> history,
        SequentialModel<TState, TRequest, TResponse> model,
        long budget = DefaultBudget,
        CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(history);
        ArgumentNullException.ThrowIfNull(model);
        var (steps, unknown) = (0L, (LinearizabilityReport?)null);
        foreach (var part in HistoryPartitioner.Split([.. history], model))
        {
            var verdict = new LinearizationSearch<TState, TRequest, TResponse>(part, model).Run(budget - steps, cancel);
            steps += verdict.Steps;
            if (verdict.Result == LinearizabilityCheckResult.NotLinearizable)
                return verdict with { Steps = steps };
            if (verdict.Result == LinearizabilityCheckResult.Unknown)
                unknown = verdict;
        }

        return unknown is null ? LinearizabilityReport.Linearizable(steps) : unknown with { Steps = steps };
    }
}
