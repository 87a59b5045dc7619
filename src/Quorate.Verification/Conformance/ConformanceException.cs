namespace Quorate.Verification.Conformance;

/// <summary>An implementation of an interface does not do what the interface documents; the message states what it did instead.</summary>
public sealed class ConformanceException : Exception
{
    /// <summary>Reports a failed check.</summary>
    /// <param name="check">The name of the check that failed.</param>
    /// <param name="detail">What the check expected, and what the implementation did instead.</param>
    /// <param name="inner">The exception that the implementation threw, if it threw one.</param>
    public ConformanceException(string check, string detail, Exception? inner = null)
        : base($"{check}: {detail}", inner) => Check = check;

    /// <summary>The name of the check that failed.</summary>
    public string Check { get; }
}
