using System.Xml.Linq;

namespace Quorate.Architecture.Tests;

/// <summary>A project references only projects of lower layers (docs/ARCHITECTURE.md).</summary>
public sealed class ProjectReferenceTests
{
    private static readonly Dictionary<string, int> LayerOf = new(StringComparer.Ordinal)
    {
        ["Quorate.Raft"] = 0,
        ["Quorate.Kv"] = 1,
        ["Quorate.Node"] = 1,
        ["Quorate.Server"] = 2,
        ["Quorate.Cli"] = 3,
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
            {
                Assert.True(
                    LayerOf[to] < LayerOf[from],
                    $"{from} (layer {LayerOf[from]}) references {to} (layer {LayerOf[to]}): a project may reference only lower layers");
            }
        }
    }

    [Fact]
    public void The_pure_projects_have_no_package_dependency()
    {
        foreach (var name in new[] { "Quorate.Raft", "Quorate.Kv" })
        {
            var project = SourceTree.SourceProjects().Single(p => Path.GetFileNameWithoutExtension(p) == name);
            Assert.DoesNotContain(XDocument.Load(project).Descendants("PackageReference"),
                p => p.Attribute("PrivateAssets")?.Value != "all");
        }
    }
}
