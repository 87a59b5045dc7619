using Quorate.Verification.Simulation;

namespace Quorate.Verification.ModelChecking;

/// <summary>Walks through a model at random, from the beginning again and again: it comes to where a search by breadth would not come in years.</summary>
/// <remarks>
/// What makes the difference are the weights: faults and elections are rare, as in life, and messages mostly arrive, so that a walk gets something done between two misfortunes. And no two walks are
/// alike: each draws which misfortunes there are in its world. Where all of them strike, each walk ends in the same noise.
/// </remarks>
internal static class RandomWalk
{
    /// <param name="model">What is walked through.</param>
    /// <param name="seed">Decides every step.</param>
    /// <param name="stepsMax">Ends the walking after so many steps, all walks together.</param>
    /// <param name="lengthMax">The length of one walk; then the next begins.</param>
    public static RandomWalkResult Run<TState, TAction>(IModel<TState, TAction> model, ulong seed, long stepsMax, int lengthMax)
        where TState : class
        where TAction : notnull
    {
        var prng = Prng.Derive(seed, "random walk");
        var reached = new SometimesCounter<TState>(model.Sometimes);
        var initialStates = model.InitialStates.ToList();
        var taken = new List<TAction>();
        var kindFactors = new int[IModel<TState, TAction>.KindsMax];
        var (walks, steps) = (0, 0L);
        for (; steps < stepsMax; walks++)
        {
            kindFactors[0] = 1;
            for (var kind = 1; kind < kindFactors.Length; kind++)
                kindFactors[kind] = prng.Pick(0, 0, 1, 4);
            var initialState = initialStates[prng.Next(0, initialStates.Count)];
            var violation = Walk(model, initialState, prng, (int)Math.Min(lengthMax, stepsMax - steps), reached, taken, kindFactors);

            // One that could not take a step counts as one, or walking would have no end.
            steps += Math.Max(1, taken.Count);
            if (violation is not null)
                return new RandomWalkResult(walks + 1, steps, reached.Counts, PathShrinker.Shrink(model, initialState, taken));
        }

        return new RandomWalkResult(walks, steps, reached.Counts, Counterexample: null);
    }

    private static Exception? Walk<TState, TAction>(
        IModel<TState, TAction> model, TState state, Prng prng, int length, SometimesCounter<TState> reached, List<TAction> taken, int[] kindFactors)
        where TState : class
        where TAction : notnull
    {
        var actions = new List<TAction>();
        taken.Clear();
        while (taken.Count < length)
        {
            actions.Clear();
            model.ActionsOf(state, actions);
            TState? next = null;
            try
            {
                while (next is null && TryDraw(model, actions, prng, kindFactors, out var action))
                {
                    taken.Add(action);
                    next = model.Next(state, action);
                    if (next is not null)
                        model.Check(next);
                    else
                        taken.RemoveAt(taken.Count - 1);
                }
            }
            catch (Exception violated) when (violated is not OutOfMemoryException)
            {
                return violated;
            }

            if (next is null)
                break;
            state = next;
            reached.Record(state);
            if (!model.IsWithinBounds(state))
                break;
        }

        return null;
    }

    /// <summary>Takes one of the actions out of the list; false when none is left that happens in this walk.</summary>
    private static bool TryDraw<TState, TAction>(IModel<TState, TAction> model, List<TAction> actions, Prng prng, int[] kindFactors, out TAction drawn)
        where TState : class
        where TAction : notnull
    {
        var sum = 0;
        foreach (var action in actions)
            sum += model.WeightOf(action) * kindFactors[model.KindOf(action)];

        drawn = default!;
        if (sum == 0)
            return false;

        var left = prng.Next(0, sum);
        for (var i = 0; ; i++)
        {
            left -= model.WeightOf(actions[i]) * kindFactors[model.KindOf(actions[i])];
            if (left >= 0)
                continue;
            drawn = actions[i];
            actions.RemoveAt(i);
            return true;
        }
    }
}

/// <summary>What came of walking.</summary>
/// <param name="Walks">How many walks were begun.</param>
/// <param name="Steps">Their steps, all together.</param>
/// <param name="Reached">In how many states each thing held that must hold sometimes.</param>
/// <param name="Counterexample">The way to a violation, shortened; null when none was met.</param>
internal sealed record RandomWalkResult(int Walks, long Steps, IReadOnlyDictionary<string, long> Reached, Counterexample? Counterexample);
