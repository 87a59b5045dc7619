using Quorate.PlantedBugs.Detectors;

namespace Quorate.PlantedBugs;

/// <summary>A mistake that others made, and how it would look in our sources.</summary>
/// <param name="Name">Its file's name: what it is called on the command line and in the table.</param>
/// <param name="Title">What is wrong, as a sentence.</param>
/// <param name="Source">Where the mistake is known from.</param>
/// <param name="DetectedBy">Who must find it, and within what budget: the first with every change, the others, if any, when the command is run.</param>
/// <param name="Violates">The promises it may break, as those who check them say them: what was found must name one of them. The claim of a test says it itself.</param>
/// <param name="Scenario">The run that needs the right code, and what happens in it with the wrong one.</param>
/// <param name="Replacements">The mistake.</param>
internal sealed record PlantedBug(
    string Name, string Title, string Source, IReadOnlyList<Detector> DetectedBy, IReadOnlyList<string> Violates, string Scenario, IReadOnlyList<Replacement> Replacements)
{
    /// <summary>All of them, in the order of their names.</summary>
    public static IReadOnlyList<PlantedBug> All { get; } =
        [.. Directory.EnumerateFiles(Path.Combine(RepositoryRoot.FullPath, "test", "Quorate.Museum", "Exhibits"), "*.txt").Order(StringComparer.Ordinal).Select(PlantedBugReader.Read)];

    public override string ToString() => Name;
}

/// <summary>In one file, a text that must stand there exactly once, and the text that makes it wrong.</summary>
internal sealed record Replacement(string File, string Original, string Planted)
{
    /// <summary>Hangs the exhibit in the text of the file.</summary>
    /// <exception cref="PlantedBugException">The text is not there, or more than once.</exception>
    public string Apply(string content, string bugName)
    {
        var at = content.IndexOf(Original, StringComparison.Ordinal);
        if (at < 0 || content.IndexOf(Original, at + 1, StringComparison.Ordinal) >= 0)
            throw new PlantedBugException($"{bugName}: its nail is gone. This must stand in {File} exactly once{(at < 0 ? ", and does not" : ", and stands there more often")}:\n{Original}");
        return string.Concat(content.AsSpan(0, at), Planted, content.AsSpan(at + Original.Length));
    }
}

/// <summary>Something is wrong with the museum itself.</summary>
internal sealed class PlantedBugException(string message) : Exception(message);
