using System.Globalization;
using System.Text.RegularExpressions;

namespace Quorate.PlantedBugs;

/// <summary>The result table in docs/testing/planted-bugs.md, between two markers.</summary>
internal static partial class ResultTable
{
    private const string BeginMarker = "<!-- Begin of the result table; tools/Quorate.PlantedBugs writes it with --table. -->";
    private const string EndMarker = "<!-- End of the result table. -->";

    private static readonly string Page = Path.Combine(RepositoryRoot.FullPath, "docs", "testing", "planted-bugs.md");

    /// <summary>The names of the bugs that the table lists now.</summary>
    public static IReadOnlyList<string> ListedBugNames() =>
        [.. BugLinks().Matches(Parts().Table).Select(static link => link.Groups[1].Value)];

    /// <summary>Replaces the table by one with these trials.</summary>
    public static void Write(IEnumerable<PlantedBugTrial> trials)
    {
        var (before, _, after) = Parts();
        File.WriteAllText(Page, $"""
            {before}{BeginMarker}

            | bug | known from | detected by | after | CPU seconds |
            |---|---|---|---|---|
            {string.Join('\n', trials.GroupBy(static trial => trial.Bug).Select(Row))}

            {EndMarker}{after}
            """);
    }

    private static string Row(IGrouping<PlantedBug, PlantedBugTrial> trials)
    {
        var bug = trials.Key;
        string Column(Func<PlantedBugTrial, string> value) => string.Join("; ", trials.Select(value));
        var detectors = Column(static trial => trial.Detector.ToString());
        var efforts = Column(static trial => trial.Detection!.Effort);
        var seconds = Column(static trial => trial.CpuSeconds.ToString("0.0", CultureInfo.InvariantCulture));
        var link = $"[{bug.Title}](../../tools/Quorate.PlantedBugs/Bugs/{bug.Name}.txt)";
        return $"| {link} | {bug.Source} | {detectors} | {efforts} | {seconds} |";
    }

    private static (string Before, string Table, string After) Parts()
    {
        var page = File.ReadAllText(Page);
        var (begin, end) = (page.IndexOf(BeginMarker, StringComparison.Ordinal), page.IndexOf(EndMarker, StringComparison.Ordinal));
        if (begin < 0 || end < begin)
            throw new PlantedBugException($"{Page}: the markers of the result table are missing:\n{BeginMarker}\n{EndMarker}");
        return (page[..begin], page[(begin + BeginMarker.Length)..end], page[(end + EndMarker.Length)..]);
    }

    [GeneratedRegex(@"/Bugs/([^)/]+)\.txt\)")]
    private static partial Regex BugLinks();
}
