using System.Reflection;
using System.Runtime.CompilerServices;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace Quorate.PlantedBugs.Build;

/// <summary>Compiles a room from its sources, in memory, as the build does: same language, same name, same friends.</summary>
internal static class ProjectCompiler
{
    private static readonly CSharpParseOptions Language = new(LanguageVersion.CSharp14);

    private static readonly CSharpCompilationOptions Options = new(
        OutputKind.DynamicallyLinkedLibrary,
        optimizationLevel: OptimizationLevel.Release,
        allowUnsafe: true,
        nullableContextOptions: NullableContextOptions.Enable,
        concurrentBuild: false,
        deterministic: true);

    /// <summary>What the SDK's ImplicitUsings says for a library.</summary>
    private const string ImplicitUsings = """
        global using System;
        global using System.Collections.Generic;
        global using System.IO;
        global using System.Linq;
        global using System.Net.Http;
        global using System.Threading;
        global using System.Threading.Tasks;
        """;

    /// <summary>The framework, and all that lies beside this program: every room as the build left it.</summary>
    private static readonly Lazy<IReadOnlyList<(string Name, MetadataReference Reference)>> Assemblies = new(() =>
    [
        .. ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator)
            .Select(static path => (Name: Path.GetFileNameWithoutExtension(path), Reference: (MetadataReference)MetadataReference.CreateFromFile(path)))
            .DistinctBy(static a => a.Name),
    ]);

    private static readonly Dictionary<string, SyntaxTree> Parsed = new(StringComparer.Ordinal);

    /// <summary>The room with these texts in place of the files' own.</summary>
    /// <exception cref="PlantedBugException">It does not compile.</exception>
    public static byte[] Compile(string project, IReadOnlyDictionary<string, string> changed, string bugName)
    {
        var files = Directory.EnumerateFiles(Path.Combine(RepositoryRoot.FullPath, "src", project), "*.cs", SearchOption.AllDirectories).Order(StringComparer.Ordinal);
        var trees = files.Select(file => changed.TryGetValue(file, out var text) ? CSharpSyntaxTree.ParseText(text, Language, file) : Parse(file));
        var compilation = CSharpCompilation.Create(
            project,
            [.. trees, CSharpSyntaxTree.ParseText(ImplicitUsings + AssemblyInfo(project), Language)],
            ReferencesOf(Assembly.Load(project)),
            Options);

        using var image = new MemoryStream();
        var result = compilation.Emit(image);
        if (!result.Success)
            throw new PlantedBugException($"{bugName}: {project} does not compile with it:\n{string.Join('\n', result.Diagnostics.Where(static d => d.Severity == DiagnosticSeverity.Error))}");
        return image.ToArray();
    }

    /// <summary>A file is parsed once for all exhibits that leave it as it is.</summary>
    private static SyntaxTree Parse(string file)
    {
        lock (Parsed)
        {
            if (!Parsed.TryGetValue(file, out var tree))
                Parsed.Add(file, tree = CSharpSyntaxTree.ParseText(File.ReadAllText(file), Language, file));
            return tree;
        }
    }

    /// <summary>Of the rooms only those the built one stands on: to see more would change what its names mean.</summary>
    private static IEnumerable<MetadataReference> ReferencesOf(Assembly built)
    {
        var below = built.GetReferencedAssemblies().Select(static a => a.Name!).ToHashSet(StringComparer.Ordinal);
        return Assemblies.Value.Where(a => !a.Name.StartsWith("Quorate.", StringComparison.Ordinal) || below.Contains(a.Name)).Select(static a => a.Reference);
    }

    /// <summary>Version and friends, as the build gave them: the other rooms look for exactly this assembly.</summary>
    private static string AssemblyInfo(string project)
    {
        var built = Assembly.Load(project);
        var friends = built.GetCustomAttributes<InternalsVisibleToAttribute>().Select(static f => $"[assembly: System.Runtime.CompilerServices.InternalsVisibleTo(\"{f.AssemblyName}\")]\n");
        return $"\n[assembly: System.Reflection.AssemblyVersion(\"{built.GetName().Version}\")]\n{string.Concat(friends)}";
    }
}
