namespace Quorate.Verification.Linearizability;

/// <summary>What a check has found.</summary>
public enum CheckResult
{
    /// <summary>There is an order in which one thing after another would have been answered the same.</summary>
    Linearizable = 1,

    /// <summary>There is no such order.</summary>
    NotLinearizable = 2,

    /// <summary>The budget was used up first. It is not a yes.</summary>
    Unknown = 3,
}

/// <summary>What a check has found, and why.</summary>
/// <param name="Result">What.</param>
/// <param name="Explanation">Not linearizable: which operations, in what order, what was to be answered and what was. Unknown: what was used up.</param>
/// <param name="Steps">How many times the model was asked.</param>
public sealed record Verdict(CheckResult Result, string Explanation, long Steps)
{
    /// <summary>Whether an order was found.</summary>
    public bool IsLinearizable => Result == CheckResult.Linearizable;

    internal static Verdict Linearizable(long steps) => new(CheckResult.Linearizable, "", steps);

    internal static Verdict NotLinearizable(string explanation, long steps) => new(CheckResult.NotLinearizable, explanation, steps);

    internal static Verdict Unknown(string explanation, long steps) => new(CheckResult.Unknown, explanation, steps);
}
