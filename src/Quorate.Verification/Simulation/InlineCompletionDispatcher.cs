using Quorate.Node.Driver;

namespace Quorate.Verification.Simulation;

/// <summary>Tells callers at once: simulated clients look for themselves whether they have been answered, so nothing of theirs runs here.</summary>
internal sealed class InlineCompletionDispatcher<TOutcome> : ICompletionDispatcher<TOutcome>
{
    public void Dispatch(ReadOnlySpan<Completion<TOutcome>> completions)
    {
        foreach (ref readonly var completion in completions)
            completion.Source.TrySetResult(completion.Outcome);
    }
}
