namespace Quorate.Verification.ModelChecking;

/// <summary>Visits every state of a model in breadth-first order: the first violation found has a shortest path.</summary>
/// <remarks>The counts are defined as in TLC, so those of the TLA+ specification and of its executable form can be compared.</remarks>
internal static class BreadthFirstSearch
{
    /// <param name="model">The model to explore.</param>
    /// <param name="distinctMax">Stops the search, incomplete, after this number of distinct states.</param>
    public static BreadthFirstSearchResult Run<TState, TAction>(IModel<TState, TAction> model, int distinctMax = int.MaxValue)
        where TState : class
        where TAction : notnull
        => new Search<TState, TAction>(model, distinctMax).Run();

    private sealed class Search<TState, TAction>(IModel<TState, TAction> model, int distinctMax)
        where TState : class
        where TAction : notnull
    {
        private readonly VisitedStates _visited = new();
        private readonly Queue<TState> _frontier = new();
        private readonly StateEncoder _encoder = new();
        private readonly SometimesCounter<TState> _reached = new(model.Sometimes);
        private long _generated;

        public BreadthFirstSearchResult Run()
        {
            foreach (var state in model.InitialStates)
            {
                if (Visit(state, VisitedStates.NoParent) is { } violated)
                    return Result(depth: 1, Counterexample.Reconstruct(model, [], violated));
            }

            var actions = new List<TAction>();
            var (explored, depth, endOfLevel) = (0, 0, 0);
            for (; _visited.Count < distinctMax && _frontier.TryDequeue(out var state); explored++)
            {
                if (explored == endOfLevel)
                {
                    depth++;
                    endOfLevel = _visited.Count;
                }

                actions.Clear();
                model.ActionsOf(state, actions);
                foreach (var action in actions)
                {
                    if (TakeStep(state, action, explored) is { } violated)
                        return Result(depth + 1, Counterexample.Reconstruct(model, _visited.PathTo(explored), violated));
                }
            }

            return Result(depth, counterexample: null) with { IsComplete = _frontier.Count == 0 };
        }

        /// <summary>Returns what the step violates, or null.</summary>
        private Exception? TakeStep(TState state, TAction action, int from)
        {
            TState? next;
            try
            {
                next = model.Next(state, action);
            }
            catch (Exception violated) when (violated is not OutOfMemoryException)
            {
                return violated;
            }

            return next is null ? null : Visit(next, from);
        }

        private Exception? Visit(TState state, int from)
        {
            _generated++;
            var isWithinBounds = model.IsWithinBounds(state);
            _encoder.Clear();
            if (isWithinBounds && !_visited.TryAdd(model.Fingerprint(state, _encoder), from))
                return null;

            try
            {
                model.Check(state);
            }
            catch (Exception violated) when (violated is not OutOfMemoryException)
            {
                return violated;
            }

            if (isWithinBounds)
            {
                _reached.Record(state);
                _frontier.Enqueue(state);
            }

            return null;
        }

        private BreadthFirstSearchResult Result(int depth, Counterexample? counterexample) =>
            new(_generated, _visited.Count, depth, IsComplete: false, _reached.Counts, counterexample);
    }
}

/// <summary>Result of an exhaustive search.</summary>
/// <param name="Generated">
/// Number of states that steps led to, including the initial states, states visited before, and states out of bounds.
/// </param>
/// <param name="Distinct">Number of distinct states within bounds.</param>
/// <param name="Depth">Number of states on the longest of all shortest paths, including the initial state.</param>
/// <param name="IsComplete">Whether every state within bounds was visited and nothing is violated.</param>
/// <param name="Reached">For each condition that must hold sometimes, the number of states in which it held.</param>
/// <param name="Counterexample">A shortest path to a violation; null if there is none.</param>
internal sealed record BreadthFirstSearchResult(
    long Generated, int Distinct, int Depth, bool IsComplete, IReadOnlyDictionary<string, long> Reached, Counterexample? Counterexample);

/// <summary>Counts the states in which each condition that must hold sometimes has held.</summary>
internal sealed class SometimesCounter<TState>(IReadOnlyList<Sometimes<TState>> sometimes)
{
    private readonly long[] _counts = new long[sometimes.Count];

    public IReadOnlyDictionary<string, long> Counts =>
        sometimes
            .Select((condition, i) => (condition.Name, Count: _counts[i]))
            .ToDictionary(static condition => condition.Name, static condition => condition.Count, StringComparer.Ordinal);

    public void Record(TState state)
    {
        for (var i = 0; i < _counts.Length; i++)
        {
            if (sometimes[i].Holds(state))
                _counts[i]++;
        }
    }
}
