namespace Quorate.Architecture.Tests;

/// <summary>The node and the simulator run one composition, RaftGroup: no other project assembles its parts (decision 0026).</summary>
public sealed class CompositionTests
{
    [Theory]
    [InlineData("new RaftCore(")]
    [InlineData("new RaftDriver(")]
    [InlineData("new Applier<")]
    [InlineData("new PendingReads(")]
    [InlineData("new PendingProposals<")]
    [InlineData("new LogWriter(")]
    [InlineData("new TickClock(")]
    public void Only_RaftGroup_constructs_the_parts_of_a_group(string construction)
    {
        var files = Directory.EnumerateFiles(Path.Combine(SourceTree.Root, "src"), "*.cs", SearchOption.AllDirectories)
            .Where(file => File.ReadAllText(file).Contains(construction, StringComparison.Ordinal))
            .Select(file => Path.GetRelativePath(Path.Combine(SourceTree.Root, "src"), file).Replace('\\', '/'));

        Assert.All(files, static file => Assert.StartsWith("Quorate.Node/Driver/RaftGroup", file, StringComparison.Ordinal));
        Assert.NotEmpty(files);
    }
}
