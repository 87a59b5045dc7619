namespace Quorate.Node.Threading;

/// <summary>Receives the number of completions that a dispatcher has still to deliver (<c>GroupCommitHold</c> implements it).</summary>
internal interface IPendingCompletionsObserver
{
    /// <summary>Whether the observer waits for the last pending completion.</summary>
    bool IsAwaited { get; }

    /// <summary>Sets the number of completions that are still to be delivered. One call at a time.</summary>
    void SetPendingCompletions(int count);
}
