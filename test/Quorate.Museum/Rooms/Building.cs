using System.Reflection;
using System.Runtime.Loader;
using Quorate.Museum.Catchers;

namespace Quorate.Museum.Rooms;

/// <summary>All rooms, their tests and the museum itself, loaded apart from everything else, one exhibit hung in them or none.</summary>
/// <remarks>
/// Only the rooms an exhibit changes are compiled; the others are the build's, loaded again so that they stand on the changed ones. A building stays until the
/// program ends: one that can be torn down is slower, and among a hundred that were, the runtime itself once fell.
/// </remarks>
internal sealed class Building : AssemblyLoadContext
{
    private const string Ours = "Quorate.";
    private static readonly Lazy<Building> Nothing = new(static () =>
    {
        var building = new Building("nothing");
        foreach (var room in Exhibit.All.SelectMany(static e => e.Replacements).Select(static r => RoomOf(r.File)).Distinct())
            building._compiled[room] = RoomCompiler.Compile(room, new Dictionary<string, string>(StringComparer.Ordinal), "nothing");
        return building;
    });

    private readonly Dictionary<string, byte[]> _compiled = new(StringComparer.Ordinal);

    private Building(string name)
        : base(name)
    {
    }

    /// <summary>The building with an exhibit in it.</summary>
    public static Building With(Exhibit exhibit)
    {
        var building = new Building(exhibit.Name);
        foreach (var room in exhibit.Replacements.GroupBy(static r => RoomOf(r.File)))
        {
            var changed = new Dictionary<string, string>(StringComparer.Ordinal);
            foreach (var replacement in room)
            {
                var file = Path.Combine(Checkout.Root, replacement.File);
                changed[file] = replacement.In(changed.GetValueOrDefault(file) ?? File.ReadAllText(file), exhibit.Name);
            }

            building._compiled[room.Key] = RoomCompiler.Compile(room.Key, changed, exhibit.Name);
        }

        return building;
    }

    /// <summary>The building with nothing in it; the rooms that any exhibit hangs in are compiled by the museum all the same.</summary>
    public static Building Empty => Nothing.Value;

    /// <summary>src/ROOM/…</summary>
    private static string RoomOf(string file) => file.Split('/')[1];

    /// <summary>One of our assemblies, as it is in this building.</summary>
    public Assembly Room(string name) => LoadFromAssemblyName(new AssemblyName(name));

    /// <summary>A door of a checker, as it is in this building.</summary>
    public TDoor Door<TDoor>(string name)
        where TDoor : Delegate =>
        Room(typeof(Doors).Assembly.GetName().Name!).GetType(typeof(Doors).FullName!, throwOnError: true)!.GetMethod(name)!.CreateDelegate<TDoor>();

    protected override Assembly? Load(AssemblyName assemblyName)
    {
        var name = assemblyName.Name!;
        if (!name.StartsWith(Ours, StringComparison.Ordinal))
            return null;
        return LoadFromStream(new MemoryStream(_compiled.GetValueOrDefault(name) ?? File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, name + ".dll"))));
    }
}
