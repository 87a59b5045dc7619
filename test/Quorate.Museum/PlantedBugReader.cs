using Quorate.PlantedBugs.Detectors;

namespace Quorate.PlantedBugs;

/// <summary>Reads an exhibit from its file.</summary>
/// <remarks><code>
///   # what is wrong, as a sentence
///
///   Source: where it is known from
///   Caught by: simulator, 300 seeds         or "refinement, 20 seeds", "explorer, three-that-write", "refined explorer, two-with-duplicates", "walk, 100,000 steps", "test Quorate.Raft.Tests Paper.Elections.A_claim",
///                                           and ", throwing WalDamageException" if the claim is refuted by neither an assertion nor an invariant
///   Breaks: ElectionSafety, LeaderCompleteness        any of these, as it is said there; not for a test, whose claim it is
///   Caught by: walk, 3,000,000 steps        any number of others, who must find it as well, though not with every change
///
///   The story, in some lines.
///
///   --- src/Quorate.Raft/RaftCore.cs        a file; then the text that stands there
///   +++                                     the text in its place; then the next file, or the end
/// </code></remarks>
internal static class PlantedBugReader
{
    public static PlantedBug Read(string path)
    {
        var name = Path.GetFileNameWithoutExtension(path);
        var lines = File.ReadAllLines(path);
        var hung = Array.FindIndex(lines, static line => line.StartsWith("--- ", StringComparison.Ordinal));
        if (hung < 0 || !lines[0].StartsWith("# ", StringComparison.Ordinal))
            throw new PlantedBugException($"{name}: an exhibit begins with a title and ends with a replacement");

        var label = lines[1..hung];
        IEnumerable<string> Fields(string key) =>
            label.Where(line => line.StartsWith(key + ": ", StringComparison.Ordinal)).Select(line => line[(key.Length + 2)..].Trim());
        string Must(string key) => Fields(key).FirstOrDefault() ?? throw new PlantedBugException($"{name}: \"{key}:\" is missing");
        var story = label.SkipWhile(static line => line.Length == 0).SkipWhile(static line => line.Length > 0);
        return new PlantedBug(
            name,
            lines[0][2..].Trim(),
            Must("Source"),
            [Detector.Parse(Must("Caught by"), name), .. Fields("Caught by").Skip(1).Select(label => Detector.Parse(label, name))],
            [.. Fields("Breaks").SelectMany(static promises => promises.Split(", "))],
            string.Join('\n', story).Trim(),
            Replacements(lines[hung..], name));
    }

    private static List<Replacement> Replacements(string[] lines, string name)
    {
        var replacements = new List<Replacement>();
        for (var i = 0; i < lines.Length;)
        {
            var bug = Array.IndexOf(lines, "+++", i);
            if (bug < 0)
                throw new PlantedBugException($"{name}: \"---\" without \"+++\"");
            var end = Array.FindIndex(lines, bug, static line => line.StartsWith("--- ", StringComparison.Ordinal));
            end = end < 0 ? lines.Length : end;
            replacements.Add(new Replacement(lines[i][4..].Trim(), string.Join('\n', lines[(i + 1)..bug]), string.Join('\n', lines[(bug + 1)..end])));
            i = end;
        }

        return replacements;
    }
}
