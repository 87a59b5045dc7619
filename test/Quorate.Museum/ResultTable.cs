using System.Globalization;
using System.Text.RegularExpressions;

namespace Quorate.PlantedBugs;

/// <summary>The table of docs/testing.md, between two marks.</summary>
internal static partial class ResultTable
{
    private const string BeginMarker = "<!-- The museum's table; test/Quorate.Museum writes it with --table. -->";
    private const string EndMarker = "<!-- Here it ends. -->";

    private static readonly string Page = Path.Combine(RepositoryRoot.FullPath, "docs", "testing.md");

    /// <summary>The exhibits that the page names now.</summary>
    public static IReadOnlyList<string> ListedBugNames() => [.. BugLinks().Matches(Parts().Table).Select(static link => link.Groups[1].Value)];

    /// <summary>Writes the table anew.</summary>
    public static void Write(IEnumerable<Trial> trials)
    {
        var (before, _, after) = Parts();
        File.WriteAllText(Page, $"""
            {before}{BeginMarker}

            | bug | known from | caught by | after | processor seconds |
            |---|---|---|---|---|
            {string.Join('\n', trials.GroupBy(static visit => visit.Bug).Select(Row))}

            {EndMarker}{after}
            """);
    }

    private static string Row(IGrouping<PlantedBug, Trial> trials)
    {
        string Each(Func<Trial, string> tell) => string.Join("; ", trials.Select(tell));
        return $"| [{trials.Key.Title}](../test/Quorate.Museum/Exhibits/{trials.Key.Name}.txt) | {trials.Key.Source} | {Each(static v => v.Detector.ToString())} | {Each(static v => v.Detection!.Effort)} | {Each(static v => v.CpuSeconds.ToString("0.0", CultureInfo.InvariantCulture))} |";
    }

    private static (string Before, string Table, string After) Parts()
    {
        var page = File.ReadAllText(Page);
        var (begin, end) = (page.IndexOf(BeginMarker, StringComparison.Ordinal), page.IndexOf(EndMarker, StringComparison.Ordinal));
        if (begin < 0 || end < begin)
            throw new PlantedBugException("docs/testing.md has lost the marks of the museum's table");
        return (page[..begin], page[(begin + BeginMarker.Length)..end], page[(end + EndMarker.Length)..]);
    }

    [GeneratedRegex(@"Exhibits/([^)]+)\.txt\)")]
    private static partial Regex BugLinks();
}
