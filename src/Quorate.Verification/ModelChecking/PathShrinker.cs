namespace Quorate.Verification.ModelChecking;

/// <summary>Removes from a walk the steps that are not needed to reach a violation.</summary>
internal static class PathShrinker
{
    /// <summary>Removes long runs of steps first, then shorter ones, then single steps, until every single step is needed.</summary>
    /// <param name="model">The model.</param>
    /// <param name="initialState">Where the walk began.</param>
    /// <param name="walk">The actions of the walk.</param>
    /// <param name="checksLiveness">Whether the violation is one of liveness, after the last action.</param>
    public static Counterexample Shrink<TState, TAction>(
        IModel<TState, TAction> model, TState initialState, IReadOnlyList<TAction> walk, bool checksLiveness)
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
                if (Replay(model, initialState, attempt, checksLiveness, steps: null) is not { } violation)
                    continue;
                shortest = attempt[..violation.Length];
                at = Math.Min(at, shortest.Count - length + 1);
            }

            length = length == 1 && shortest.Count < before ? 1 : length / 2;
        }

        var steps = new List<CounterexampleStep>();
        var (_, cause) = Replay(model, initialState, shortest, checksLiveness, steps) ?? throw Counterexample.NotReproducible(model);
        return new Counterexample(cause.Message, steps, cause);
    }

    /// <summary>
    /// Takes the actions in order. Returns the number of actions up to the first violation, and the violation; null if an action is not
    /// possible, or nothing is violated.
    /// </summary>
    private static (int Length, Exception Cause)? Replay<TState, TAction>(
        IModel<TState, TAction> model, TState state, List<TAction> walk, bool checksLiveness, List<CounterexampleStep>? steps)
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

        return checksLiveness ? CheckLiveness(model, state, walk.Count) : null;
    }

    private static (int Length, Exception Cause)? CheckLiveness<TState, TAction>(IModel<TState, TAction> model, TState state, int length)
        where TState : class
        where TAction : notnull
    {
        try
        {
            model.CheckLiveness(state);
            return null;
        }
        catch (Exception violated) when (violated is not OutOfMemoryException)
        {
            return (length, violated);
        }
    }
}
