namespace Quorate.Verification.Linearizability;

/// <summary>Result of a linearizability check.</summary>
public enum LinearizabilityCheckResult
{
    /// <summary>There is an order in which the sequential model gives the same responses.</summary>
    Linearizable = 1,

    /// <summary>There is no such order.</summary>
    NotLinearizable = 2,

    /// <summary>The budget was used up before the search was conclusive. It does not count as a pass.</summary>
    Unknown = 3,
}

/// <summary>Result of a linearizability check, with an explanation.</summary>
/// <param name="Result">The result.</param>
/// <param name="Explanation">
/// Not linearizable: which operations, in what order, the expected response and the actual one. Unknown: the budget that was used up.
/// </param>
/// <param name="Steps">How many times the model was executed.</param>
public sealed record LinearizabilityReport(LinearizabilityCheckResult Result, string Explanation, long Steps)
{
    /// <summary>Whether an order was found.</summary>
    public bool IsLinearizable => Result == LinearizabilityCheckResult.Linearizable;

    internal static LinearizabilityReport Linearizable(long steps) => new(LinearizabilityCheckResult.Linearizable, "", steps);

    internal static LinearizabilityReport NotLinearizable(string explanation, long steps) =>
        new(LinearizabilityCheckResult.NotLinearizable, explanation, steps);

    internal static LinearizabilityReport Unknown(string explanation, long steps) =>
        new(LinearizabilityCheckResult.Unknown, explanation, steps);
}
