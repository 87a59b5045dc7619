using System.Xml.Linq;

namespace Quorate.House.Tests;

/// <summary>docs/ARCHITECTURE.md: five rooms on three floors, and a project leans only on a lower floor.</summary>
public sealed class ArrowsPointDown
{
    private static readonly Dictionary<string, int> FloorOf = new(StringComparer.Ordinal)
    {
        ["Quorate.Raft"] = 0,
        ["Quorate.Kv"] = 1,
        ["Quorate.Node"] = 1,
        ["Quorate.Server"] = 2,
        ["Quorate.Verification"] = 2,
    };

    [Fact]
    public void Every_source_project_has_a_floor()
    {
        var projects = House.SourceProjects().Select(Path.GetFileNameWithoutExtension).Order(StringComparer.Ordinal);

        Assert.Equal(FloorOf.Keys.Order(StringComparer.Ordinal), projects);
    }

    [Fact]
    public void No_project_refers_to_its_own_floor_or_a_higher_one()
    {
        foreach (var project in House.SourceProjects())
        {
            var from = Path.GetFileNameWithoutExtension(project);
            foreach (var to in House.References(project))
                Assert.True(FloorOf[to] < FloorOf[from], $"{from} (floor {FloorOf[from]}) refers to {to} (floor {FloorOf[to]}): arrows point down");
        }
    }

    [Fact]
    public void The_pure_rooms_depend_on_no_package()
    {
        foreach (var room in new[] { "Quorate.Raft", "Quorate.Kv" })
        {
            var project = House.SourceProjects().Single(p => Path.GetFileNameWithoutExtension(p) == room);
            Assert.DoesNotContain(XDocument.Load(project).Descendants("PackageReference"), p => p.Attribute("PrivateAssets")?.Value != "all");
        }
    }
}
