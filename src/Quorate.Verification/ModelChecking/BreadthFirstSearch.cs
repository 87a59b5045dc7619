namespace Quorate.Verification.ModelChecking;

/// <summary>Every state of a model, nearest first: the first violation found has a shortest path.</summary>
/// <remarks>The counts mean what they mean in TLC, so that a specification and its twin can be held side by side.</remarks>
internal static class BreadthFirstSearch
{
    /// <param name="model">What is explored.</param>
    /// <param name="distinctMax">Ends the search, incomplete, when so many states have been met.</param>
    public static SearchResult Run<TState, TAction>(IModel<TState, TAction> model, int distinctMax = int.MaxValue)
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

        public SearchResult Run()
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

        /// <summary>What the step violates, or null.</summary>
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

        private SearchResult Result(int depth, Counterexample? counterexample) =>
            new(_generated, _visited.Count, depth, IsComplete: false, _reached.Counts, counterexample);
    }
}

/// <summary>What came of a search.</summary>
/// <param name="Generated">States that steps led to, those met before and those out of bounds among them; the initial ones count too.</param>
/// <param name="Distinct">Different states within bounds.</param>
/// <param name="Depth">The number of states on the longest of the shortest paths, the initial one counted.</param>
/// <param name="IsComplete">There is nothing else: every state within bounds was met, and nothing is violated.</param>
/// <param name="Reached">In how many states each thing held that must hold sometimes.</param>
/// <param name="Counterexample">A shortest path to a violation; null when there is none.</param>
internal sealed record SearchResult(
    long Generated, int Distinct, int Depth, bool IsComplete, IReadOnlyDictionary<string, long> Reached, Counterexample? Counterexample);

/// <summary>How often what must hold sometimes has held.</summary>
internal sealed class SometimesCounter<TState>(IReadOnlyList<Sometimes<TState>> sometimes)
{
    private readonly long[] _counts = new long[sometimes.Count];

    public IReadOnlyDictionary<string, long> Counts =>
        sometimes.Select((one, i) => (one.Name, Count: _counts[i])).ToDictionary(static one => one.Name, static one => one.Count, StringComparer.Ordinal);

    public void Record(TState state)
    {
        for (var i = 0; i < _counts.Length; i++)
        {
            if (sometimes[i].Holds(state))
                _counts[i]++;
        }
    }
}
