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

        var pieces = 2;
        while (items.Count > 1)
        {
            pieces = Math.Min(pieces, items.Count);
            if (WithoutAPiece(items, pieces, fails) is { } fewer)
            {
                items = fewer;
                pieces = Math.Max(2, pieces - 1);
            }
            else if (pieces == items.Count)
            {
                break;
            }
            else
            {
                pieces *= 2;
            }
        }

        return items;
    }

    /// <summary>Without some piece it still fails; null: each is needed. The last pieces go first: what came late depends on what came early.</summary>
    private static List<T>? WithoutAPiece<T>(IReadOnlyList<T> items, int pieces, Func<IReadOnlyList<T>, bool> fails)
    {
        for (var piece = pieces - 1; piece >= 0; piece--)
        {
            var (from, to) = (items.Count * piece / pieces, items.Count * (piece + 1) / pieces);
            List<T> fewer = [.. items.Take(from), .. items.Skip(to)];
            if (fails(fewer))
                return fewer;
        }

        return null;
    }
}
