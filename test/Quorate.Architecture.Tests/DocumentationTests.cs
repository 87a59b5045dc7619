using System.Text.RegularExpressions;

namespace Quorate.Architecture.Tests;

/// <summary>
/// The Markdown pages are complete and consistent: links resolve, the README quotes a sample that compiles, every project has a README.
/// </summary>
public sealed partial class DocumentationTests
{
    [Fact]
    public void Every_relative_link_resolves_to_a_file()
    {
        var broken = new List<string>();
        foreach (var page in Pages())
        {
            foreach (Match link in Links().Matches(File.ReadAllText(page)))
            {
                var target = link.Groups[1].Value.Split('#')[0];
                var isOutside = target.Contains("://", StringComparison.Ordinal) || target.StartsWith("mailto:", StringComparison.Ordinal);
                if (target.Length > 0 && !isOutside && !Path.Exists(Path.Combine(Path.GetDirectoryName(page)!, target)))
                    broken.Add($"{Path.GetRelativePath(SourceTree.Root, page)}: {target}");
            }
        }

        Assert.Empty(broken);
    }

    /// <summary>The first code that a user of the library reads is part of the build, so it always compiles.</summary>
    [Fact]
    public void The_first_code_block_of_the_README_is_the_Hello_sample()
    {
        var code = FirstCodeBlock().Match(File.ReadAllText(Path.Combine(SourceTree.Root, "README.md"))).Groups[1].Value;

        Assert.Equal(File.ReadAllText(Path.Combine(SourceTree.Root, "samples", "Hello", "Program.cs")), code);
    }

    [Fact]
    public void Every_source_project_has_a_README()
    {
        foreach (var project in SourceTree.SourceProjects())
        {
            var directory = Path.GetDirectoryName(project)!;
            Assert.True(File.Exists(Path.Combine(directory, "README.md")), $"{Path.GetFileName(directory)} has no README.md");
        }
    }

    private static IEnumerable<string> Pages() =>
        Directory.EnumerateFiles(SourceTree.Root, "*.md", SearchOption.AllDirectories)
            .Where(page => !Path.GetRelativePath(SourceTree.Root, page)
                .Split(Path.DirectorySeparatorChar)
                .Any(part => part is "artifacts" or "node_modules" or ".git"));

    [GeneratedRegex("```csharp\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex FirstCodeBlock();

    [GeneratedRegex(@"\]\(([^)\s]+)\)")]
    private static partial Regex Links();
}
