using System.Runtime.CompilerServices;
using System.Text;

namespace Quorate.Raft.Tests.Scenarios;

/// <summary>
/// Every .txt file next to this one is a scenario: commands, <c>----</c>, and their output, up to an empty line. The language:
/// <see cref="ScenarioRunner"/>.
/// </summary>
/// <remarks>QUORATE_REWRITE=1 writes the output into the files; commit the difference only when each line of it can be explained.</remarks>
public sealed class ScenarioTests
{
    private static readonly bool Rewrite = Environment.GetEnvironmentVariable("QUORATE_REWRITE") == "1";

    public static TheoryData<string> Names =>
    [
        .. Directory.EnumerateFiles(ScenarioDirectory(), "*.txt")
            .Select(f => Path.GetFileNameWithoutExtension(f)!).Order(StringComparer.Ordinal)
    ];

    [Theory]
    [MemberData(nameof(Names))]
    public void A_scenario_produces_its_recorded_output(string name)
    {
        var file = Path.Combine(ScenarioDirectory(), name + ".txt");
        var expected = File.ReadAllText(file).ReplaceLineEndings("\n");
        var actual = Run(expected);
        if (Rewrite)
            File.WriteAllText(file, actual);
        else
            Assert.Equal(expected, actual);
    }

    /// <summary>Runs a scenario. Empty lines separate its blocks: a comment, or commands with their output after <c>----</c>.</summary>
    private static string Run(string text)
    {
        var runner = new ScenarioRunner();
        var output = new StringBuilder();
        foreach (var block in text.Split("\n\n", StringSplitOptions.RemoveEmptyEntries))
        {
            var lines = block.Split("----")[0].TrimEnd('\n').Split('\n', StringSplitOptions.RemoveEmptyEntries);
            output.Append(output.Length == 0 ? "" : "\n");
            foreach (var line in lines)
                output.Append(line).Append('\n');
            var commands = lines.Where(l => !l.StartsWith('#')).ToList();
            if (commands.Count == 0)
                continue;

            output.Append("----\n");
            var outputs = commands.ConvertAll(runner.Execute);
            outputs.RemoveAll(o => o == "ok\n" && outputs.Count > 1);
            output.Append(outputs.Count == 0 ? "ok\n" : string.Concat(outputs));
        }

        return output.ToString();
    }

    private static string ScenarioDirectory([CallerFilePath] string here = "") => Path.GetDirectoryName(here)!;
}
