namespace Quorate.Verification.Shrinking;

/// <summary>Removes from a list the items that are not needed to reproduce a failure.</summary>
/// <remarks>
/// Source: Zeller and Hildebrandt, "Simplifying and Isolating Failure-Inducing Input" (ddmin). The result is 1-minimal: it does not fail
/// without any one of its items, unless the test's budget was used up before.
/// </remarks>
internal static class DeltaDebugging
{
    /// <param name="items">A list that fails.</param>
    /// <param name="fails">Whether a sublist, in the same order, fails.</param>
    public static IReadOnlyList<T> Minimize<T>(IReadOnlyList<T> items, Func<IReadOnlyList<T>, bool> fails)
    {
        if (items.Count == 0 || fails([]))
            return [];

        var chunks = 2;
        while (items.Count > 1)
        {
            chunks = Math.Min(chunks, items.Count);
            if (TryRemoveChunk(items, chunks, fails) is { } fewer)
            {
                items = fewer;
                chunks = Math.Max(2, chunks - 1);
            }
            else if (chunks == items.Count)
            {
                break;
            }
            else
            {
                chunks *= 2;
            }
        }

        return items;
    }

    /// <summary>
    /// Returns a list that still fails without one chunk; null if each chunk is needed. The last chunks are tried first: later items depend
    /// on earlier ones.
    /// </summary>
    private static List<T>? TryRemoveChunk<T>(IReadOnlyList<T> items, int chunks, Func<IReadOnlyList<T>, bool> fails)
    {
        for (var chunk = chunks - 1; chunk >= 0; chunk--)
        {
            var (from, to) = (items.Count * chunk / chunks, items.Count * (chunk + 1) / chunks);
            List<T> fewer = [.. items.Take(from), .. items.Skip(to)];
            if (fails(fewer))
                return fewer;
        }

        return null;
    }
}
