using System.Text;
using Quorate.Cli.Inspect;

namespace Quorate.Server.Tests.Inspect;

/// <summary>A data directory with the golden files of all formats, and what <c>quorate inspect</c> prints about it.</summary>
internal sealed class InspectedDirectory : IDisposable
{
    public const string Segment = "wal-0000000000000001.log";
    public const string HardState = "hardstate";
    public const string Identity = "identity";
    public const string Snapshot = "snapshot-0000000000000102-00000000cafef00d";

    private static readonly (string Name, string Golden)[] Files =
    [
        (Segment, "wal-v2-wal-0000000000000001.bin"), (HardState, "wal-v2-hardstate.bin"), (Identity, "identity-v1.txt"),
        (Snapshot, "snapshot-v1.bin"),
    ];

    private readonly TemporaryDirectory _directory = new();

    public InspectedDirectory()
    {
        foreach (var (name, golden) in Files)
            File.Copy(System.IO.Path.Combine(ServerFixture.RepositoryRoot, "test/Quorate.Node.Tests/Golden", golden), PathOf(name));
    }

    public string Path => _directory.Path;

    public string PathOf(string name) => System.IO.Path.Combine(_directory.Path, name);

    /// <summary>Returns the bytes of a file.</summary>
    public byte[] Read(string name) => File.ReadAllBytes(PathOf(name));

    /// <summary>Replaces a file.</summary>
    public void Write(string name, ReadOnlySpan<byte> bytes) => File.WriteAllBytes(PathOf(name), bytes);

    /// <summary>Runs <c>quorate inspect wal</c> in this process.</summary>
    public (string Text, int Corruptions) InspectWal(string? name = null, bool isJson = false, bool isSummary = false)
    {
        using var text = new MemoryStream();
        var output = new InspectOutput(text, isJson, isSummary);
        new WalInspector(output, decodeCommands: true, new ConcurrentWrites(TimeSpan.Zero)).Inspect(name is null ? Path : PathOf(name));
        return (Encoding.UTF8.GetString(text.ToArray()), output.Corruptions);
    }

    /// <summary>Runs <c>quorate inspect snapshot</c> in this process.</summary>
    public (string Text, int Corruptions) InspectSnapshot(string? name = null, bool isJson = false, bool isSummary = false)
    {
        using var text = new MemoryStream();
        var output = new InspectOutput(text, isJson, isSummary);
        new SnapshotInspector(output).Inspect(name is null ? Path : PathOf(name));
        return (Encoding.UTF8.GetString(text.ToArray()), output.Corruptions);
    }

    public void Dispose() => _directory.Dispose();
}
