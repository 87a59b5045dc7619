using Quorate.Node.Groups;

namespace Quorate.Verification.Simulation;

/// <summary>Tells callers at once: simulated clients look for themselves whether they have been answered, so nothing of theirs runs here.</summary>
internal sealed class SimulatedAnswers<TOutcome> : IAnswers<TOutcome>
{
    public void Give(ReadOnlySpan<Answered<TOutcome>> answers)
    {
        foreach (ref readonly var answer in answers)
            answer.Caller.TrySetResult(answer.Outcome);
    }
}
