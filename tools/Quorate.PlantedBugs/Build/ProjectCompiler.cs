using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Reflection;
using System.Runtime.CompilerServices;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace Quorate.PlantedBugs.Build;

/// <summary>
/// Compiles a project from its sources in memory, as the normal build does: same language version, assembly name and internals visibility.
/// </summary>
internal static class ProjectCompiler
{
    /// <summary>The language version of every project.</summary>
    public static readonly CSharpParseOptions Language = new(LanguageVersion.CSharp14);

    private static readonly CSharpCompilationOptions Options = new(
        OutputKind.DynamicallyLinkedLibrary,
        optimizationLevel: OptimizationLevel.Release,
        allowUnsafe: true,
        nullableContextOptions: NullableContextOptions.Enable,
        concurrentBuild: false,
        deterministic: true);

    /// <summary>The framework and every assembly beside this program, among them all projects as the normal build produced them.</summary>
    private static readonly Lazy<IReadOnlyList<(string Name, MetadataReference Reference)>> Assemblies = new(() =>
    [
        .. ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator)
            .Select(static path =>
                (Name: Path.GetFileNameWithoutExtension(path), Reference: (MetadataReference)MetadataReference.CreateFromFile(path)))
            .DistinctBy(static a => a.Name),
    ]);

    private static readonly Dictionary<string, SyntaxTree> Parsed = new(StringComparer.Ordinal);

    /// <summary>What the source generators make of each project. A planted bug does not change it: it is not in a declaration.</summary>
    private static readonly ConcurrentDictionary<string, ImmutableArray<SyntaxTree>> Generated = new(StringComparer.Ordinal);

    private static readonly Lazy<IIncrementalGenerator> LoggerMessageGenerator = new(static () =>
    {
        var path = Path.Combine(AppContext.BaseDirectory, "Microsoft.Extensions.Logging.Generators.dll");
        var type = Assembly.LoadFrom(path).GetType("Microsoft.Extensions.Logging.Generators.LoggerMessageGenerator", throwOnError: true)!;
        return (IIncrementalGenerator)Activator.CreateInstance(type)!;
    });

    /// <summary>Compiles a project with the texts in <paramref name="changed"/> in place of the files' own.</summary>
    /// <exception cref="PlantedBugException">The project does not compile.</exception>
    public static byte[] Compile(string project, IReadOnlyDictionary<string, string> changed, string bugName)
    {
        using var image = new MemoryStream();
        var result = Prepare(project, changed).Emit(image);
        if (!result.Success)
        {
            var errors = result.Diagnostics.Where(static d => d.Severity == DiagnosticSeverity.Error);
            throw new PlantedBugException($"{bugName}: {project} does not compile with the bug planted:\n{string.Join('\n', errors)}");
        }

        return image.ToArray();
    }

    /// <summary>Parses a project with the texts in <paramref name="changed"/> in place of the files' own.</summary>
    public static CSharpCompilation Prepare(string project, IReadOnlyDictionary<string, string> changed)
    {
        var directory = Path.Combine(RepositoryRoot.FullPath, "src", project);
        var files = Directory.EnumerateFiles(directory, "*.cs", SearchOption.AllDirectories).Order(StringComparer.Ordinal)
            .Concat(GeneratedByTheBuild(project));
        var trees =
            files.Select(file => changed.TryGetValue(file, out var text) ? CSharpSyntaxTree.ParseText(text, Language, file) : Parse(file));
        var compilation = CSharpCompilation.Create(
            project,
            [.. trees, CSharpSyntaxTree.ParseText(AssemblyInfo(project), Language)],
            ReferencesOf(Assembly.Load(project)),
            Options);
        return compilation.AddSyntaxTrees(Generated.GetOrAdd(project, static (_, sources) => Generate(sources), compilation));
    }

    private static ImmutableArray<SyntaxTree> Generate(CSharpCompilation sources) => CSharpGeneratorDriver
        .Create([LoggerMessageGenerator.Value.AsSourceGenerator()], parseOptions: Language)
        .RunGenerators(sources)
        .GetRunResult().GeneratedTrees;

    /// <summary>
    /// The sources that the normal build generated before it ran the compiler: the project's global usings, and the code of .proto files.
    /// </summary>
    private static IEnumerable<string> GeneratedByTheBuild(string project)
    {
        var configuration = Path.GetFileName(Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory));
        return Directory.EnumerateFiles(Path.Combine(RepositoryRoot.FullPath, "artifacts", "obj", project, configuration), "*.cs")
            .Where(static file => !file.EndsWith(".AssemblyInfo.cs", StringComparison.Ordinal))
            .Order(StringComparer.Ordinal);
    }

    /// <summary>Parses an unchanged file once for all builds.</summary>
    private static SyntaxTree Parse(string file)
    {
        lock (Parsed)
        {
            if (!Parsed.TryGetValue(file, out var tree))
                Parsed.Add(file, tree = CSharpSyntaxTree.ParseText(File.ReadAllText(file), Language, file));
            return tree;
        }
    }

    /// <summary>
    /// Of our projects, only those that the built assembly references: with more of them visible, names could resolve differently.
    /// </summary>
    private static IEnumerable<MetadataReference> ReferencesOf(Assembly built)
    {
        var referenced = built.GetReferencedAssemblies().Select(static a => a.Name!).ToHashSet(StringComparer.Ordinal);
        return Assemblies.Value
            .Where(a => !a.Name.StartsWith("Quorate.", StringComparison.Ordinal) || referenced.Contains(a.Name))
            .Select(static a => a.Reference);
    }

    /// <summary>
    /// Repeats the version and InternalsVisibleTo of the built assembly, because the other projects reference exactly that assembly.
    /// </summary>
    private static string AssemblyInfo(string project)
    {
        var built = Assembly.Load(project);
        var internalsVisibleTo = built.GetCustomAttributes<InternalsVisibleToAttribute>()
            .Select(static a => $"[assembly: System.Runtime.CompilerServices.InternalsVisibleTo(\"{a.AssemblyName}\")]\n");
        return $"\n[assembly: System.Reflection.AssemblyVersion(\"{built.GetName().Version}\")]\n{string.Concat(internalsVisibleTo)}";
    }
}
