using Quorate.PlantedBugs.Detectors;

namespace Quorate.PlantedBugs;

/// <summary>Reads a planted bug from its file.</summary>
/// <remarks><code>
///   # what the bug does, in one sentence
///
///   Source: where the bug is known from
///   Detected by: simulator, 300 seeds
///   Violates: ElectionSafety, LeaderCompleteness
///   Detected by: walk, 3,000,000 steps
///
///   The scenario, in a few lines.
///
///   --- src/Quorate.Raft/RaftCore.cs        a file, then the original text
///   +++                                     the planted text; then the next file, or the end
///
///   a detector is one of    simulator, 300 seeds
///                           refinement, 20 seeds
///                           leases, 300 seeds
///                           explorer, three-that-write
///                           refined explorer, two-with-duplicates
///                           walk, 100,000 steps
///                           walk joint-configuration, 100,000 steps
///                           test Quorate.Raft.Tests Paper.ElectionTests.A_test_method
///                           test Quorate.Node.Tests Wal.WalPowerLossTests.A_test_method, throwing WalCorruptionException
/// </code>
/// The first detector runs with every change, the others only in the full run. "throwing" is for a test that fails neither by an assertion
/// nor by an invariant. The failure message must contain one of the names in "Violates"; a bug that only tests detect has no such field,
/// because the test's name is the property.
/// </remarks>
internal static class PlantedBugReader
{
    public static PlantedBug Read(string path)
    {
        var name = Path.GetFileNameWithoutExtension(path);
        var lines = File.ReadAllLines(path);
        var patchStart = Array.FindIndex(lines, static line => line.StartsWith("--- ", StringComparison.Ordinal));
        if (patchStart < 0 || !lines[0].StartsWith("# ", StringComparison.Ordinal))
            throw new PlantedBugException($"{name}: the file must begin with \"# title\" and end with a replacement (\"---\", \"+++\")");

        var header = lines[1..patchStart];
        IEnumerable<string> Fields(string key) =>
            header.Where(line => line.StartsWith(key + ": ", StringComparison.Ordinal)).Select(line => line[(key.Length + 2)..].Trim());
        string Required(string key) =>
            Fields(key).FirstOrDefault() ?? throw new PlantedBugException($"{name}: the field \"{key}:\" is missing");
        var scenario = header.SkipWhile(static line => line.Length == 0).SkipWhile(static line => line.Length > 0);
        return new PlantedBug(
            name,
            lines[0][2..].Trim(),
            Required("Source"),
            [Detector.Parse(Required("Detected by"), name), .. Fields("Detected by").Skip(1).Select(text => Detector.Parse(text, name))],
            [.. Fields("Violates").SelectMany(static properties => properties.Split(", "))],
            string.Join('\n', scenario).Trim(),
            Replacements(lines[patchStart..], name));
    }

    private static List<SourceReplacement> Replacements(string[] lines, string name)
    {
        var replacements = new List<SourceReplacement>();
        for (var i = 0; i < lines.Length;)
        {
            var planted = Array.IndexOf(lines, "+++", i);
            if (planted < 0)
                throw new PlantedBugException($"{name}: \"---\" without \"+++\"");
            var end = Array.FindIndex(lines, planted, static line => line.StartsWith("--- ", StringComparison.Ordinal));
            end = end < 0 ? lines.Length : end;
            replacements.Add(new SourceReplacement(
                lines[i][4..].Trim(), string.Join('\n', lines[(i + 1)..planted]), string.Join('\n', lines[(planted + 1)..end])));
            i = end;
        }

        return replacements;
    }
}
