namespace Quorate.Verification.Linearizability;

/// <summary>
/// Partitions a history into independent parts: operations that share a key, directly or through other operations, are in the same part.
/// </summary>
internal static class HistoryPartitioner
{
    /// <summary>Returns the parts in the order of their first operations; each keeps the order of its operations.</summary>
    public static List<List<HistoryOperation<TRequest, TResponse>>> Split<TState, TRequest, TResponse>(
        IReadOnlyList<HistoryOperation<TRequest, TResponse>> history, SequentialModel<TState, TRequest, TResponse> model)
    {
        // Union-find: keys of one operation are joined. Each key points to another key of its part, or to itself.
        var parents = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var operation in history)
        {
            var keys = model.KeysOf(operation.Request);
            if (keys.IsEmpty)
                return [[.. history]];
            foreach (var key in keys)
            {
                parents.TryAdd(key, key);
                parents[Root(parents, key)] = Root(parents, keys[0]);
            }
        }

        var parts = new List<List<HistoryOperation<TRequest, TResponse>>>();
        var places = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var operation in history)
        {
            var root = Root(parents, model.KeysOf(operation.Request)[0]);
            if (places.TryAdd(root, parts.Count))
                parts.Add([]);
            parts[places[root]].Add(operation);
        }

        return parts;
    }

    private static string Root(Dictionary<string, string> parents, string key)
    {
        while (!string.Equals(parents[key], key, StringComparison.Ordinal))
            key = parents[key];
        return key;
    }
}
