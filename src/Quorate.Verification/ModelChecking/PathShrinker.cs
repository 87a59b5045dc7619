namespace Quorate.Verification.ModelChecking;

/// <summary>Removes from a walk the steps that are not needed to reach a violation.</summary>
internal static class PathShrinker
{
    /// <summary>Removes long runs of steps first, then shorter ones, then single steps, until every single step is needed.</summary>
    public static Counterexample Shrink<TState, TAction>(IModel<TState, TAction> model, TState initialState, IReadOnlyList<TAction> walk)
        where TState : class
        where TAction : notnull
    {
        var shortest = walk.ToList();
        for (var length = Math.Max(1, shortest.Count / 2); length > 0;)
        {
            var before = shortest.Count;
            for (var at = shortest.Count - length; at >= 0; at--)
            {
                var attempt = shortest.ToList();
                attempt.RemoveRange(at, length);
                if (Replay(model, initialState, attempt, steps: null) is not { } violation)
                    continue;
                shortest = attempt[..violation.Length];
                at = Math.Min(at, shortest.Count - length + 1);
            }

            length = length == 1 && shortest.Count < before ? 1 : length / 2;
        }

        var steps = new List<CounterexampleStep>();
        var (_, cause) = Replay(model, initialState, shortest, steps) ?? throw Counterexample.NotReproducible(model);
        return new Counterexample(cause.Message, steps, cause);
    }

    /// <summary>
    /// Takes the actions in order. Returns the number of actions up to the first violation, and the violation; null if an action is not
    /// possible, or nothing is violated.
    /// </summary>
    private static (int Length, Exception Cause)? Replay<TState, TAction>(
        IModel<TState, TAction> model, TState state, List<TAction> walk, List<CounterexampleStep>? steps)
        where TState : class
        where TAction : notnull
    {
        for (var i = 0; i < walk.Count; i++)
        {
            TState? next = null;
            try
            {
                next = model.Next(state, walk[i]);
                if (next is null)
                    return null;
                model.Check(next);
            }
            catch (Exception violated) when (violated is not OutOfMemoryException)
            {
                steps?.Add(new CounterexampleStep(walk[i].ToString()!, next?.ToString() ?? ""));
                return (i + 1, violated);
            }

            state = next;
            steps?.Add(new CounterexampleStep(walk[i].ToString()!, state.ToString()!));
        }

        return null;
    }
}
