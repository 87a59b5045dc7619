namespace Quorate.Verification.Linearizability;

/// <summary>What a check has found.</summary>
public enum Finding
{
    /// <summary>There is an order in which one thing after another would have been answered the same.</summary>
    Linearizable = 1,

    /// <summary>There is no such order.</summary>
    NotLinearizable = 2,

    /// <summary>The budget was used up first. It is not a yes.</summary>
    Unknown = 3,
}

/// <summary>What a check has found, and why.</summary>
/// <param name="Finding">What.</param>
/// <param name="Explanation">Not linearizable: which operations, in what order, what was to be answered and what was. Unknown: what was used up.</param>
/// <param name="Steps">How many times the model was asked.</param>
public sealed record Verdict(Finding Finding, string Explanation, long Steps)
{
    /// <summary>Whether an order was found.</summary>
    public bool IsLinearizable => Finding == Finding.Linearizable;

    internal static Verdict Linearizable(long steps) => new(Finding.Linearizable, "", steps);

    internal static Verdict Refused(string why, long steps) => new(Finding.NotLinearizable, why, steps);

    internal static Verdict Unknown(string why, long steps) => new(Finding.Unknown, why, steps);
}
