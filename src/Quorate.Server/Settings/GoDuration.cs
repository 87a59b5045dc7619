using System.Buffers;
using System.Globalization;

namespace Quorate.Server.Settings;

/// <summary>
/// Parses durations in Go's syntax, as etcd's flags use it: a sequence of numbers with units, such as <c>1h30m</c>. The only parser of
/// durations for command lines.
/// </summary>
/// <remarks>Source: Go's time.ParseDuration.</remarks>
internal static class GoDuration
{
    private static readonly SearchValues<char> NumberCharacters = SearchValues.Create("0123456789.");

    /// <summary>
    /// Parses a duration with the units h, m, s, ms, us and µs; 0 needs no unit. Returns false for anything else and for more than 365
    /// days.
    /// </summary>
    public static bool TryParse(string text, out TimeSpan duration)
    {
        duration = TimeSpan.Zero;
        if (text == "0")
            return true;
        var rest = text.AsSpan();
        while (!rest.IsEmpty)
        {
            var digits = rest.IndexOfAnyExcept(NumberCharacters);
            if (digits <= 0
                || !double.TryParse(rest[..digits], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number))
                return false;
            rest = rest[digits..];
            var letters = rest.IndexOfAny(NumberCharacters);
            if (letters < 0)
                letters = rest.Length;
            var unit = rest[..letters] switch
            {
                "h" => 3_600_000d,
                "m" => 60_000d,
                "s" => 1_000d,
                "ms" => 1d,
                "us" or "µs" => 0.001,
                _ => 0d,
            };
            var total = duration.TotalMilliseconds + (number * unit);
            if (unit == 0 || total > TimeSpan.FromDays(365).TotalMilliseconds)
                return false;
            duration = TimeSpan.FromMilliseconds(total);
            rest = rest[letters..];
        }

        return text.Length > 0;
    }
}
