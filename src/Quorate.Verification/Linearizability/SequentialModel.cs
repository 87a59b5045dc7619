namespace Quorate.Verification.Linearizability;

/// <summary>What a system is to do if it is asked one thing after another: the measure of what it does when asked many things at once.</summary>
/// <typeparam name="TState">A state; it never changes, and two that are equal say so.</typeparam>
/// <typeparam name="TRequest">What is asked.</typeparam>
/// <typeparam name="TResponse">What is answered.</typeparam>
/// <remarks>Requests are told in the words of their <see cref="object.ToString"/>.</remarks>
public abstract class SequentialModel<TState, TRequest, TResponse>
{
    /// <summary>The state before anybody asked.</summary>
    public abstract TState Initial { get; }

    /// <summary>What a request is answered in a state, and what the state is then.</summary>
    public abstract TResponse Step(TState state, TRequest request, out TState next);

    /// <summary>Whether an answer is the one that was to be. Equality, unless something in it is nobody's to foresee.</summary>
    public virtual bool Matches(TResponse expected, TResponse actual) => EqualityComparer<TResponse>.Default.Equals(expected, actual);

    /// <summary>An answer in words.</summary>
    public virtual string Describe(TResponse? response) => response?.ToString() ?? "nothing";

    /// <summary>
    /// The keys a request touches. Requests with no key in common, not even by way of others, know nothing of each other: each such part is checked alone, and all are
    /// linearizable when each is (Herlihy and Wing, theorem 1). Empty: it touches everything.
    /// </summary>
    public virtual ReadOnlySpan<string> KeysOf(TRequest request) => [];
}
