using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace Quorate.Raft;

/// <summary>
/// Checks conditions that must hold regardless of what the network, the disk and the other members do. Enabled in every build.
/// </summary>
/// <remarks>A false invariant is a bug in Quorate: the node stops, because continuing could return a wrong result.</remarks>
public static class Invariant
{
    /// <summary>Asserts that <paramref name="condition"/> holds, with the reason why it must.</summary>
    /// <exception cref="InvariantViolationException">The condition is false.</exception>
    public static void That(
        [DoesNotReturnIf(false)] bool condition,
        string? because = null,
        [CallerArgumentExpression(nameof(condition))] string? expression = null,
        [CallerMemberName] string? caller = null)
    {
        if (!condition)
            Violated(because, expression, caller);
    }

    /// <summary>Returns the exception to throw at a place that no execution reaches.</summary>
    /// <param name="because">Why the place is unreachable, and what was found there.</param>
    /// <param name="caller">The calling member.</param>
    public static InvariantViolationException Unreachable(string because, [CallerMemberName] string? caller = null) =>
        new($"invariant violated in {caller}: reached unreachable code; expected: {because}");

    [DoesNotReturn]
    private static void Violated(string? because, string? expression, string? caller) =>
        throw new InvariantViolationException(
            $"invariant violated in {caller}: ({expression}) is false{(because is null ? "" : $"; expected: {because}")}");
}

/// <summary>Thrown when an invariant is false. The node that throws it must stop.</summary>
public sealed class InvariantViolationException : Exception
{
    /// <summary>Creates the exception.</summary>
    public InvariantViolationException(string message)
        : base(message)
    {
    }

    /// <summary>Creates the exception.</summary>
    public InvariantViolationException()
    {
    }

    /// <summary>Creates the exception.</summary>
    public InvariantViolationException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
