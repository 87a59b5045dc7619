namespace Quorate.Node.Threading;

/// <summary>Completes the tasks of callers: on the thread pool in production, inline in the simulator.</summary>
internal interface ICompletionDispatcher<TOutcome>
{
    /// <summary>Completes each task soon. Never blocks; in production, never runs a caller's continuation inline.</summary>
    void Dispatch(ReadOnlySpan<Completion<TOutcome>> completions);
}

/// <summary>The task of a caller and the outcome to complete it with.</summary>
internal readonly record struct Completion<TOutcome>(TaskCompletionSource<TOutcome> Source, TOutcome Outcome);

/// <summary>Creates the completion dispatcher of a group, whose outcome type only the group knows.</summary>
internal interface ICompletionDispatcherFactory
{
    /// <param name="observer">Receives the number of completions that the dispatcher has still to deliver.</param>
    ICompletionDispatcher<TOutcome> Create<TOutcome>(IPendingCompletionsObserver observer);
}
