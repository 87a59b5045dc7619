using Quorate.Node.Threading;

namespace Quorate.Verification.Simulation;

/// <summary>
/// Completes callers' tasks inline. No continuation of a simulated client runs here, because simulated clients poll their tasks.
/// </summary>
internal sealed class InlineCompletionDispatcher<TOutcome> : ICompletionDispatcher<TOutcome>
{
    public void Dispatch(ReadOnlySpan<Completion<TOutcome>> completions)
    {
        foreach (ref readonly var completion in completions)
            completion.Source.TrySetResult(completion.Outcome);
    }
}

/// <summary>Creates dispatchers that complete tasks inline: no completion is ever pending.</summary>
internal sealed class InlineCompletionDispatcherFactory : ICompletionDispatcherFactory
{
    public static InlineCompletionDispatcherFactory Instance { get; } = new();

    public ICompletionDispatcher<TOutcome> Create<TOutcome>(IPendingCompletionsObserver observer) =>
        new InlineCompletionDispatcher<TOutcome>();
}
