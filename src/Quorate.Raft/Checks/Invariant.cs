using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace Quorate.Raft;

/// <summary>What must be true whatever the network, the disk and the other members do. On in every build.</summary>
/// <remarks>A false invariant is a bug of ours: the node stops, because going on could hand out a wrong answer.</remarks>
public static class Invariant
{
    /// <summary>Says that <paramref name="condition"/> holds here, and why.</summary>
    /// <exception cref="InvariantViolationException">It does not.</exception>
    public static void That(
        [DoesNotReturnIf(false)] bool condition,
        string? because = null,
        [CallerArgumentExpression(nameof(condition))] string? expression = null,
        [CallerMemberName] string? caller = null)
    {
        if (!condition)
            Violated(because, expression, caller);
    }

    [DoesNotReturn]
    private static void Violated(string? because, string? expression, string? caller) =>
        throw new InvariantViolationException($"{caller}: not ({expression}){(because is null ? "" : $", yet {because}")}");
}

/// <summary>An invariant is false. The node that throws it must not go on.</summary>
public sealed class InvariantViolationException : Exception
{
    /// <summary>Makes the exception.</summary>
    public InvariantViolationException(string message)
        : base(message)
    {
    }

    /// <summary>Makes the exception.</summary>
    public InvariantViolationException()
    {
    }

    /// <summary>Makes the exception.</summary>
    public InvariantViolationException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
