using System.Globalization;
using System.Text.RegularExpressions;

namespace Quorate.Museum;

/// <summary>The table of docs/testing.md, between two marks.</summary>
internal static partial class Table
{
    private const string Begin = "<!-- The museum's table; test/Quorate.Museum writes it with --table. -->";
    private const string End = "<!-- Here it ends. -->";

    private static readonly string Page = Path.Combine(Checkout.Root, "docs", "testing.md");

    /// <summary>The exhibits that the page names now.</summary>
    public static IReadOnlyList<string> Names() => [.. Links().Matches(Parts().Table).Select(static link => link.Groups[1].Value)];

    /// <summary>Writes the table anew.</summary>
    public static void Write(IEnumerable<Visit> visits)
    {
        var (before, _, after) = Parts();
        File.WriteAllText(Page, $"""
            {before}{Begin}

            | bug | known from | caught by | after | processor seconds |
            |---|---|---|---|---|
            {string.Join('\n', visits.GroupBy(static visit => visit.Exhibit).Select(Row))}

            {End}{after}
            """);
    }

    private static string Row(IGrouping<Exhibit, Visit> visits)
    {
        string Each(Func<Visit, string> tell) => string.Join("; ", visits.Select(tell));
        return $"| [{visits.Key.Title}](../test/Quorate.Museum/Exhibits/{visits.Key.Name}.txt) | {visits.Key.Source} | {Each(static v => v.Catcher.ToString())} | {Each(static v => v.Found!.Effort)} | {Each(static v => v.Seconds.ToString("0.0", CultureInfo.InvariantCulture))} |";
    }

    private static (string Before, string Table, string After) Parts()
    {
        var page = File.ReadAllText(Page);
        var (begin, end) = (page.IndexOf(Begin, StringComparison.Ordinal), page.IndexOf(End, StringComparison.Ordinal));
        if (begin < 0 || end < begin)
            throw new MuseumException("docs/testing.md has lost the marks of the museum's table");
        return (page[..begin], page[(begin + Begin.Length)..end], page[(end + End.Length)..]);
    }

    [GeneratedRegex(@"Exhibits/([^)]+)\.txt\)")]
    private static partial Regex Links();
}
