using Quorate.PlantedBugs.Detectors;

namespace Quorate.PlantedBugs;

/// <summary>
/// A known bug of another Raft or storage implementation (or an earlier one of ours) as a patch to the sources of this repository.
/// </summary>
/// <param name="Name">Name of the bug's file; identifies the bug on the command line and in the result table.</param>
/// <param name="Title">What the bug does, in one sentence.</param>
/// <param name="Source">Where the bug is known from.</param>
/// <param name="DetectedBy">
/// Detectors that must find the bug, each with its budget. The tests run the first one; the program <c>Quorate.PlantedBugs</c> runs all of
/// them.
/// </param>
/// <param name="Violates">
/// Names of properties, or fragments of failure messages, that the bug may violate. The message of a detection must contain one of them; a
/// <see cref="TestDetector"/> is exempt, because its test already names the property.
/// </param>
/// <param name="Scenario">A run in which the correct code matters, and what happens in it with the bug.</param>
/// <param name="Replacements">The patch.</param>
internal sealed record PlantedBug(
    string Name,
    string Title,
    string Source,
    IReadOnlyList<Detector> DetectedBy,
    IReadOnlyList<string> Violates,
    string Scenario,
    IReadOnlyList<SourceReplacement> Replacements)
{
    private static readonly string BugsDirectory = Path.Combine(RepositoryRoot.FullPath, "tools", "Quorate.PlantedBugs", "Bugs");

    /// <summary>All planted bugs, ordered by name.</summary>
    public static IReadOnlyList<PlantedBug> All { get; } =
        [.. Directory.EnumerateFiles(BugsDirectory, "*.txt").Order(StringComparer.Ordinal).Select(PlantedBugReader.Read)];

    public override string ToString() => Name;
}

/// <summary>One replacement of a patch: a text that must occur exactly once in a file, and the text that takes its place.</summary>
internal sealed record SourceReplacement(string File, string Original, string Planted)
{
    /// <summary>Returns <paramref name="content"/>, the text of the file, with the bug in it.</summary>
    /// <exception cref="PlantedBugException">The original text does not occur in the file, or occurs more than once.</exception>
    public string Apply(string content, string bugName)
    {
        var at = content.IndexOf(Original, StringComparison.Ordinal);
        if (at >= 0 && content.IndexOf(Original, at + 1, StringComparison.Ordinal) < 0)
            return string.Concat(content.AsSpan(0, at), Planted, content.AsSpan(at + Original.Length));
        throw new PlantedBugException(
            $"{bugName}: the patch does not apply: its original text occurs {(at < 0 ? "nowhere" : "more than once")} in {File} "
            + $"and must occur exactly once. Update the bug's file to the current source:\n{Original}");
    }
}

/// <summary>A planted bug, its file or the result table is invalid; the sources under test are not at fault.</summary>
internal sealed class PlantedBugException(string message) : Exception(message);
