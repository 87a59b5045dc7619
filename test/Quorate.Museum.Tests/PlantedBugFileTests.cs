namespace Quorate.PlantedBugs.Tests;

/// <summary>Exhibits are texts about texts, and those move: when one no longer fits, it says so by name.</summary>
public sealed class PlantedBugFileTests
{
    /// <summary>The least that was promised, issue by issue of the field: docs/testing.md.</summary>
    private const int BugsMin = 35;

    [Fact]
    public void Every_planted_bug_applies_to_the_sources()
    {
        Assert.True(PlantedBug.All.Count >= BugsMin, $"only {PlantedBug.All.Count} exhibits");
        foreach (var exhibit in PlantedBug.All)
        {
            foreach (var file in exhibit.Replacements.GroupBy(static r => r.File))
            {
                var text = File.ReadAllText(Path.Combine(RepositoryRoot.FullPath, file.Key));
                Assert.NotEqual(text, file.Aggregate(text, (content, replacement) => replacement.Apply(content, exhibit.Name)));
            }
        }
    }

    [Theory]
    [InlineData("return;", "does not")]
    [InlineData("{ } { }", "more often")]
    public void A_missing_or_ambiguous_anchor_is_an_error_naming_the_bug(string content, string says)
    {
        var replacement = new Replacement("src/Quorate.Raft/RaftCore.cs", "{ }", "{ break; }");

        var gone = Assert.Throws<PlantedBugException>(() => replacement.Apply(content, "some-exhibit"));

        Assert.StartsWith("some-exhibit: its nail is gone", gone.Message, StringComparison.Ordinal);
        Assert.Contains(says, gone.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_documented_table_lists_exactly_the_planted_bugs() =>
        Assert.Equal(PlantedBug.All.Select(static e => e.Name), ResultTable.ListedBugNames());
}
