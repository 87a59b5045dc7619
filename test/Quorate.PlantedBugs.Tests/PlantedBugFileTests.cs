namespace Quorate.PlantedBugs.Tests;

/// <summary>
/// The files of the planted bugs match the sources they patch: when a source changes, the failure names the bug whose patch no longer
/// applies.
/// </summary>
public sealed class PlantedBugFileTests
{
    /// <summary>
    /// A lower bound on the number of bugs, so that a wrong path or a deleted directory fails the test instead of leaving nothing to
    /// detect.
    /// </summary>
    private const int BugsMin = 35;

    [Fact]
    public void Every_planted_bug_applies_to_the_sources()
    {
        Assert.True(PlantedBug.All.Count >= BugsMin, $"only {PlantedBug.All.Count} planted bugs");
        foreach (var bug in PlantedBug.All)
        {
            foreach (var file in bug.Replacements.GroupBy(static r => r.File))
            {
                var text = File.ReadAllText(Path.Combine(RepositoryRoot.FullPath, file.Key));
                Assert.NotEqual(text, file.Aggregate(text, (content, replacement) => replacement.Apply(content, bug.Name)));
            }
        }
    }

    [Theory]
    [InlineData("return;", "occurs nowhere in")]
    [InlineData("{ } { }", "occurs more than once in")]
    public void A_missing_or_ambiguous_anchor_is_an_error_naming_the_bug(string content, string expected)
    {
        var replacement = new SourceReplacement("src/Quorate.Raft/RaftCore.cs", "{ }", "{ break; }");

        var error = Assert.Throws<PlantedBugException>(() => replacement.Apply(content, "some-bug"));

        Assert.StartsWith("some-bug: the patch does not apply", error.Message, StringComparison.Ordinal);
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_documented_table_lists_exactly_the_planted_bugs() =>
        Assert.Equal(PlantedBug.All.Select(static bug => bug.Name), ResultTable.ListedBugNames());
}
