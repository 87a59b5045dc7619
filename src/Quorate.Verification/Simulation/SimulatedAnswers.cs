using Quorate.Node.Driver;

namespace Quorate.Verification.Simulation;

/// <summary>Tells callers at once: simulated clients look for themselves whether they have been answered, so nothing of theirs runs here.</summary>
internal sealed class SimulatedAnswers<TOutcome> : ICompletionDispatcher<TOutcome>
{
    public void Dispatch(ReadOnlySpan<Completion<TOutcome>> answers)
    {
        foreach (ref readonly var answer in answers)
            answer.Source.TrySetResult(answer.Outcome);
    }
}
