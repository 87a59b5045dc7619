using System.Xml.Linq;

namespace Quorate.Architecture.Tests;

/// <summary>docs/ARCHITECTURE.md: five rooms on three floors, and a project leans only on a lower floor.</summary>
public sealed class ProjectReferenceTests
{
    private static readonly Dictionary<string, int> LayerOf = new(StringComparer.Ordinal)
    {
        ["Quorate.Raft"] = 0,
        ["Quorate.Kv"] = 1,
        ["Quorate.Node"] = 1,
        ["Quorate.Server"] = 2,
        ["Quorate.Verification"] = 2,
    };

    [Fact]
    public void Every_source_project_has_a_layer()
    {
        var projects = SourceTree.SourceProjects().Select(Path.GetFileNameWithoutExtension).Order(StringComparer.Ordinal);

        Assert.Equal(LayerOf.Keys.Order(StringComparer.Ordinal), projects);
    }

    [Fact]
    public void Every_project_references_only_lower_layers()
    {
        foreach (var project in SourceTree.SourceProjects())
        {
            var from = Path.GetFileNameWithoutExtension(project);
            foreach (var to in SourceTree.ProjectReferences(project))
                Assert.True(LayerOf[to] < LayerOf[from], $"{from} (floor {LayerOf[from]}) refers to {to} (floor {LayerOf[to]}): arrows point down");
        }
    }

    [Fact]
    public void The_pure_projects_have_no_package_dependency()
    {
        foreach (var room in new[] { "Quorate.Raft", "Quorate.Kv" })
        {
            var project = SourceTree.SourceProjects().Single(p => Path.GetFileNameWithoutExtension(p) == room);
            Assert.DoesNotContain(XDocument.Load(project).Descendants("PackageReference"), p => p.Attribute("PrivateAssets")?.Value != "all");
        }
    }
}
