using System.Runtime.CompilerServices;
using System.Text;

namespace Quorate.Raft.Tests.Scenarios;

/// <summary>Every .txt beside this file is a play: commands, <c>----</c>, and what came out, up to an empty line. The language: <see cref="Stage"/>.</summary>
/// <remarks>QUORATE_REWRITE=1 writes what comes out into the files; commit the difference only when each line of it can be explained.</remarks>
public sealed class Scenarios
{
    private static readonly bool Rewrite = Environment.GetEnvironmentVariable("QUORATE_REWRITE") == "1";

    public static TheoryData<string> Plays => [.. Directory.EnumerateFiles(Folder(), "*.txt").Select(f => Path.GetFileNameWithoutExtension(f)!).Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Plays))]
    public void A_scenario_comes_out_as_written(string play)
    {
        var file = Path.Combine(Folder(), play + ".txt");
        var written = File.ReadAllText(file).ReplaceLineEndings("\n");
        var played = Play(written);
        if (Rewrite)
            File.WriteAllText(file, played);
        else
            Assert.Equal(written, played);
    }

    /// <summary>Blocks are parted by empty lines: a comment, or commands with their output under <c>----</c>.</summary>
    private static string Play(string text)
    {
        var stage = new Stage();
        var played = new StringBuilder();
        foreach (var block in text.Split("\n\n", StringSplitOptions.RemoveEmptyEntries))
        {
            var said = block.Split("----")[0].TrimEnd('\n').Split('\n', StringSplitOptions.RemoveEmptyEntries);
            played.Append(played.Length == 0 ? "" : "\n");
            foreach (var line in said)
                played.Append(line).Append('\n');
            var commands = said.Where(l => !l.StartsWith('#')).ToList();
            if (commands.Count == 0)
                continue;

            played.Append("----\n");
            var outputs = commands.ConvertAll(stage.Do);
            outputs.RemoveAll(o => o == "ok\n" && outputs.Count > 1);
            played.Append(outputs.Count == 0 ? "ok\n" : string.Concat(outputs));
        }

        return played.ToString();
    }

    private static string Folder([CallerFilePath] string here = "") => Path.GetDirectoryName(here)!;
}
