using Quorate.Verification.Simulation;

namespace Quorate.Verification.ModelChecking;

/// <summary>
/// Walks randomly through a model, starting again from an initial state after each walk. It reaches states that a breadth-first search
/// would not reach in years.
/// </summary>
/// <remarks>
/// Two things make walks effective. Actions have weights: faults and elections are rare, and most messages arrive, so that a walk makes
/// progress between two faults. And each walk draws which kinds of faults it has at all (swarm testing): if all of them occurred in every
/// walk, all walks would be similar. A walk without a violation ends with <see cref="IModel{TState,TAction}.CheckLiveness"/>.
/// </remarks>
internal static class RandomWalk
{
    /// <param name="model">The model.</param>
    /// <param name="seed">Determines every step.</param>
    /// <param name="stepsMax">Stops after this number of steps, over all walks.</param>
    /// <param name="lengthMax">The length of one walk; then the next walk starts.</param>
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
            var end = Walk(model, initialState, prng, (int)Math.Min(lengthMax, stepsMax - steps), reached, taken, kindFactors);

            // A walk without any step counts as one step, so that the loop ends.
            steps += Math.Max(1, taken.Count);
            if (end is null || !IsLive(model, end))
            {
                var counterexample = PathShrinker.Shrink(model, initialState, taken, checksLiveness: end is not null);
                return new RandomWalkResult(walks + 1, steps, reached.Counts, counterexample);
            }
        }

        return new RandomWalkResult(walks, steps, reached.Counts, Counterexample: null);
    }

    /// <summary>Walks from a state and returns the last one; null if the last step taken violates a property.</summary>
    private static TState? Walk<TState, TAction>(
        IModel<TState, TAction> model,
        TState state,
        Prng prng,
        int length,
        SometimesCounter<TState> reached,
        List<TAction> taken,
        int[] kindFactors)
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
                return null;
            }

            if (next is null)
                break;
            state = next;
            reached.Record(state);
            if (!model.IsWithinBounds(state))
                break;
        }

        return state;
    }

    private static bool IsLive<TState, TAction>(IModel<TState, TAction> model, TState state)
        where TState : class
        where TAction : notnull
    {
        try
        {
            model.CheckLiveness(state);
            return true;
        }
        catch (Exception violated) when (violated is not OutOfMemoryException)
        {
            return false;
        }
    }

    /// <summary>Draws an action and removes it from the list; false if the list has no action of a kind that this walk includes.</summary>
    private static bool TryDraw<TState, TAction>(
        IModel<TState, TAction> model, List<TAction> actions, Prng prng, int[] kindFactors, out TAction drawn)
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

/// <summary>Result of random walks.</summary>
/// <param name="Walks">Number of walks that were started.</param>
/// <param name="Steps">Number of steps, over all walks.</param>
/// <param name="Reached">For each condition that must hold sometimes, the number of states in which it held.</param>
/// <param name="Counterexample">The path to a violation, shrunk; null if none was found.</param>
internal sealed record RandomWalkResult(int Walks, long Steps, IReadOnlyDictionary<string, long> Reached, Counterexample? Counterexample);
