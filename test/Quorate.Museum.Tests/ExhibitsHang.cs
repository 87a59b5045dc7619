namespace Quorate.Museum.Tests;

/// <summary>Exhibits are texts about texts, and those move: when one no longer fits, it says so by name.</summary>
public sealed class ExhibitsHang
{
    /// <summary>The least that was promised, issue by issue of the field: docs/testing.md.</summary>
    private const int ExhibitsMin = 35;

    [Fact]
    public void Every_exhibit_finds_its_nail()
    {
        Assert.True(Exhibit.All.Count >= ExhibitsMin, $"only {Exhibit.All.Count} exhibits");
        foreach (var exhibit in Exhibit.All)
        {
            foreach (var file in exhibit.Replacements.GroupBy(static r => r.File))
            {
                var text = File.ReadAllText(Path.Combine(Checkout.Root, file.Key));
                Assert.NotEqual(text, file.Aggregate(text, (content, replacement) => replacement.In(content, exhibit.Name)));
            }
        }
    }

    [Theory]
    [InlineData("return;", "does not")]
    [InlineData("{ } { }", "more often")]
    public void A_text_that_does_not_stand_there_exactly_once_is_an_error_that_names_the_exhibit(string content, string says)
    {
        var replacement = new Replacement("src/Quorate.Raft/RaftCore.cs", "{ }", "{ break; }");

        var gone = Assert.Throws<MuseumException>(() => replacement.In(content, "some-exhibit"));

        Assert.StartsWith("some-exhibit: its nail is gone", gone.Message, StringComparison.Ordinal);
        Assert.Contains(says, gone.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_table_in_the_docs_has_every_exhibit_and_no_other() =>
        Assert.Equal(Exhibit.All.Select(static e => e.Name), Table.Names());
}
