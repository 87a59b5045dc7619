namespace Quorate.Verification.Linearizability;

/// <summary>
/// Sequential specification of a system: its responses to requests that are made one at a time. Linearizability compares a concurrent
/// history with it.
/// </summary>
/// <typeparam name="TState">A state: immutable, with value equality.</typeparam>
/// <typeparam name="TRequest">A request. Its <see cref="object.ToString"/> is used in explanations.</typeparam>
/// <typeparam name="TResponse">A response.</typeparam>
public abstract class SequentialModel<TState, TRequest, TResponse>
{
    /// <summary>The initial state.</summary>
    public abstract TState Initial { get; }

    /// <summary>Returns the response to a request in a state, and the state after it.</summary>
    public abstract TResponse Step(TState state, TRequest request, out TState next);

    /// <summary>
    /// Whether a response is as expected. Default: equality; override it if a part of the response cannot be predicted.
    /// </summary>
    public virtual bool Matches(TResponse expected, TResponse actual) => EqualityComparer<TResponse>.Default.Equals(expected, actual);

    /// <summary>Describes a response in explanations.</summary>
    public virtual string Describe(TResponse? response) => response?.ToString() ?? "nothing";

    /// <summary>
    /// Returns the keys that a request accesses; empty: it accesses everything. Requests that share no key, directly or through other
    /// requests, are independent: each part is checked alone, and the history is linearizable if all parts are (Herlihy and Wing, theorem
    /// 1).
    /// </summary>
    public virtual ReadOnlySpan<string> KeysOf(TRequest request) => [];
}
