using System.Reflection;
using System.Runtime.Loader;
using Quorate.PlantedBugs.Detectors;

namespace Quorate.PlantedBugs.Build;

/// <summary>All rooms, their tests and the museum itself, loaded apart from everything else, one exhibit hung in them or none.</summary>
/// <remarks>
/// Only the rooms an exhibit changes are compiled; the others are the build's, loaded again so that they stand on the changed ones. A building stays until the
/// program ends: one that can be torn down is slower, and among a hundred that were, the runtime itself once fell.
/// </remarks>
internal sealed class PatchedBuild : AssemblyLoadContext
{
    private const string ProjectPrefix = "Quorate.";
    private static readonly Lazy<PatchedBuild> LazyUnpatched = new(static () =>
    {
        var building = new PatchedBuild("nothing");
        foreach (var room in PlantedBug.All.SelectMany(static e => e.Replacements).Select(static r => ProjectOf(r.File)).Distinct())
            building._compiled[room] = ProjectCompiler.Compile(room, new Dictionary<string, string>(StringComparer.Ordinal), "nothing");
        return building;
    });

    private readonly Dictionary<string, byte[]> _compiled = new(StringComparer.Ordinal);

    private PatchedBuild(string name)
        : base(name)
    {
    }

    /// <summary>The building with an exhibit in it.</summary>
    public static PatchedBuild With(PlantedBug bug)
    {
        var build = new PatchedBuild(bug.Name);
        foreach (var room in bug.Replacements.GroupBy(static r => ProjectOf(r.File)))
        {
            var changed = new Dictionary<string, string>(StringComparer.Ordinal);
            foreach (var replacement in room)
            {
                var file = Path.Combine(RepositoryRoot.FullPath, replacement.File);
                changed[file] = replacement.Apply(changed.GetValueOrDefault(file) ?? File.ReadAllText(file), bug.Name);
            }

            build._compiled[room.Key] = ProjectCompiler.Compile(room.Key, changed, bug.Name);
        }

        return build;
    }

    /// <summary>The building with nothing in it; the rooms that any exhibit hangs in are compiled by the museum all the same.</summary>
    public static PatchedBuild Unpatched => LazyUnpatched.Value;

    /// <summary>src/ROOM/…</summary>
    private static string ProjectOf(string file) => file.Split('/')[1];

    /// <summary>One of our assemblies, as it is in this building.</summary>
    public Assembly LoadProject(string name) => LoadFromAssemblyName(new AssemblyName(name));

    /// <summary>A door of a checker, as it is in this building.</summary>
    public TDoor EntryPoint<TDoor>(string name)
        where TDoor : Delegate =>
        LoadProject(typeof(EntryPoints).Assembly.GetName().Name!).GetType(typeof(EntryPoints).FullName!, throwOnError: true)!.GetMethod(name)!.CreateDelegate<TDoor>();

    protected override Assembly? Load(AssemblyName assemblyName)
    {
        var name = assemblyName.Name!;
        if (!name.StartsWith(ProjectPrefix, StringComparison.Ordinal))
            return null;
        return LoadFromStream(new MemoryStream(_compiled.GetValueOrDefault(name) ?? File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, name + ".dll"))));
    }
}
