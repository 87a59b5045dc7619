using System.Reflection;
using System.Runtime.Loader;
using Quorate.PlantedBugs.Detectors;

namespace Quorate.PlantedBugs.Build;

/// <summary>All projects, their tests and this program, loaded in isolation from every other build, with one planted bug or none.</summary>
/// <remarks>
/// Only the projects that a bug changes are compiled; the others are the assemblies of the normal build, loaded again so that they bind to
/// the changed ones. A patched build is never unloaded: a collectible load context is slower, and the runtime once crashed after a hundred
/// of them were unloaded.
/// </remarks>
internal sealed class PatchedBuild : AssemblyLoadContext
{
    private const string ProjectPrefix = "Quorate.";
    private static readonly Lazy<PatchedBuild> LazyUnpatched = new(static () =>
    {
        var build = new PatchedBuild("unpatched");
        var noChanges = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var project in PlantedBug.All.SelectMany(static bug => bug.Replacements).Select(static r => ProjectOf(r.File)).Distinct())
            build._compiled[project] = ProjectCompiler.Compile(project, noChanges, "unpatched");
        return build;
    });

    private readonly Dictionary<string, byte[]> _compiled = new(StringComparer.Ordinal);

    private PatchedBuild(string name)
        : base(name)
    {
    }

    /// <summary>Builds the sources with a bug planted in them.</summary>
    public static PatchedBuild With(PlantedBug bug)
    {
        var build = new PatchedBuild(bug.Name);
        foreach (var project in bug.Replacements.GroupBy(static r => ProjectOf(r.File)))
        {
            var changed = new Dictionary<string, string>(StringComparer.Ordinal);
            foreach (var replacement in project)
            {
                var file = Path.Combine(RepositoryRoot.FullPath, replacement.File);
                changed[file] = replacement.Apply(changed.GetValueOrDefault(file) ?? File.ReadAllText(file), bug.Name);
            }

            build._compiled[project.Key] = ProjectCompiler.Compile(project.Key, changed, bug.Name);
        }

        return build;
    }

    /// <summary>
    /// The build without a bug. Every project that some bug changes is compiled by <see cref="ProjectCompiler"/> here too.
    /// </summary>
    public static PatchedBuild Unpatched => LazyUnpatched.Value;

    /// <summary>The project in a path src/PROJECT/….</summary>
    private static string ProjectOf(string file) => file.Split('/')[1];

    /// <summary>Loads the assembly of one of our projects into this build.</summary>
    public Assembly LoadProject(string name) => LoadFromAssemblyName(new AssemblyName(name));

    /// <summary>Returns a method of <see cref="DetectorEntryPoints"/>, bound to this build.</summary>
    public TDelegate EntryPoint<TDelegate>(string name)
        where TDelegate : Delegate
    {
        var program = LoadProject(typeof(DetectorEntryPoints).Assembly.GetName().Name!);
        return program.GetType(typeof(DetectorEntryPoints).FullName!, throwOnError: true)!.GetMethod(name)!.CreateDelegate<TDelegate>();
    }

    protected override Assembly? Load(AssemblyName assemblyName)
    {
        var name = assemblyName.Name!;
        if (!name.StartsWith(ProjectPrefix, StringComparison.Ordinal))
            return null;
        var image = _compiled.GetValueOrDefault(name) ?? File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, name + ".dll"));
        return LoadFromStream(new MemoryStream(image));
    }
}
