using System.Runtime.CompilerServices;
using System.Xml.Linq;

namespace Quorate.Architecture.Tests;

/// <summary>The checkout of this repository: its root directory and its project files.</summary>
internal static class SourceTree
{
    public static string Root { get; } = FindRoot();

    public static IEnumerable<string> SourceProjects() =>
        Directory.EnumerateFiles(Path.Combine(Root, "src"), "*.csproj", SearchOption.AllDirectories);

    public static IEnumerable<string> ProjectReferences(string project) =>
        XDocument.Load(project).Descendants("ProjectReference")
            .Select(r => Path.GetFileNameWithoutExtension(r.Attribute("Include")!.Value));

    private static string FindRoot([CallerFilePath] string callerPath = "")
    {
        var directory = Path.GetDirectoryName(callerPath);
        while (directory is not null && !File.Exists(Path.Combine(directory, "Quorate.slnx")))
            directory = Path.GetDirectoryName(directory);
        return directory ?? throw new InvalidOperationException($"no Quorate.slnx above {callerPath}: run the tests from a checkout");
    }
}
