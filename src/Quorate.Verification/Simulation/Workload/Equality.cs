using System.Collections;
using System.Globalization;

namespace Quorate.Verification.Simulation.Workload;

/// <summary>When two answers of a machine are the same: when they say so, or are sequences of which each element is.</summary>
internal static class Equality
{
    public static bool AreEqual(object? a, object? b)
    {
        if (Equals(a, b))
            return true;
        if (a is not IEnumerable || b is not IEnumerable || a is string || b is string)
            return false;

        var (left, right) = (((IEnumerable)a).GetEnumerator(), ((IEnumerable)b).GetEnumerator());
        while (left.MoveNext())
        {
            if (!right.MoveNext() || !AreEqual(left.Current, right.Current))
                return false;
        }

        return !right.MoveNext();
    }

    /// <summary>Of two values that are not the same: the other, and what to think of it if it looks the same.</summary>
    public static string DescribeOther(object? value, object? other) =>
        Describe(other) + (Describe(value) == Describe(other) ? ", which looks the same and is not equal: does its type say when two are?" : "");

    /// <summary>A value in words; of a sequence, its elements.</summary>
    public static string Describe(object? value) => value switch
    {
        null => "nothing",
        string text => text,
        DateTime or DateTimeOffset => ((IFormattable)value).ToString("O", CultureInfo.InvariantCulture),
        IEnumerable sequence => $"[{string.Join(", ", sequence.Cast<object?>().Select(Describe))}]",
        _ => value.ToString() ?? "",
    };
}
