using System.Collections;
using System.Globalization;

namespace Quorate.Verification.Simulation.Workload;

/// <summary>
/// The default equality of a state machine's results and states: <see cref="object.Equals(object?, object?)"/>, or for sequences equality
/// of each element. Also describes such values in texts.
/// </summary>
/// <remarks>
/// The trace hash covers the descriptions of values that were read and of final states: a change of these texts changes it.
/// </remarks>
internal static class StructuralEquality
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

    /// <summary>Describes the other one of two different values, with a hint if both have the same description.</summary>
    public static string DescribeOther(object? value, object? other) =>
        Describe(other) +
        (Describe(value) == Describe(other) ? ", which has the same description but is not equal: does its type override Equals?" : "");

    /// <summary>Describes a value; a sequence by its elements.</summary>
    public static string Describe(object? value) => value switch
    {
        null => "nothing",
        string text => text,
        DateTime or DateTimeOffset => ((IFormattable)value).ToString("O", CultureInfo.InvariantCulture),
        IEnumerable sequence => $"[{string.Join(", ", sequence.Cast<object?>().Select(Describe))}]",
        _ => value.ToString() ?? "",
    };
}
