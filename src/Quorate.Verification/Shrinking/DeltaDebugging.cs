namespace Quorate.Verification.Shrinking;

/// <summary>Takes away from a list what is not needed for something to fail.</summary>
/// <remarks>
/// Source: Zeller and Hildebrandt, "Simplifying and Isolating Failure-Inducing Input" (ddmin). What is left is 1-minimal: without any one of the items
/// it does not fail any more, as far as the budget of the question reaches.
/// </remarks>
internal static class DeltaDebugging
{
    /// <param name="items">With all of these it fails.</param>
    /// <param name="fails">Whether it fails with only these, in their order.</param>
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

    /// <summary>Without some piece it still fails; null: each is needed. The last pieces go first: what came late depends on what came early.</summary>
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
