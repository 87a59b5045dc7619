using Quorate.Node.Backups;
using Quorate.Node.Storage;
using Quorate.Node.Tests.Snapshots;
using Quorate.Node.Transport;
using Quorate.Raft;

namespace Quorate.Node.Tests.Backups;

/// <summary>Builds backups and the options of a restored member in one line each.</summary>
internal static class BackupGiven
{
    public const ulong NewClusterId = 0xBEEF;

    public static EntryId Last { get; } = SnapshotGiven.Id(index: 0x102, term: 3);

    /// <summary>The bytes of a backup of this content.</summary>
    public static byte[] Bytes(byte[] content)
    {
        using var backup = new Backup(SnapshotGiven.ClusterId, Last, SnapshotGiven.Configuration, new SnapshotGiven.View(content));
        return Write(backup);
    }

    public static byte[] Write(Backup backup)
    {
        using var bytes = new MemoryStream();
        backup.WriteTo(bytes);
        return bytes.ToArray();
    }

    /// <summary>The options of a member of a new cluster of three.</summary>
    public static RaftNodeOptions Options(string directory, IStorage? storage = null) => new()
    {
        NodeId = new NodeId(8),
        ClusterId = NewClusterId,
        DataDirectory = directory,
        StorageFactory = storage is null ? null : _ => storage,
        DataDirectoryAttributes = new Dictionary<string, string> { ["name"] = "n8" },
        Members = new[] { 7UL, 8UL, 9UL }.ToDictionary(static id => new NodeId(id), static _ => new PeerAddress("127.0.0.1", 1)),
    };

    public static byte[] Read(Stream content)
    {
        using var bytes = new MemoryStream();
        content.CopyTo(bytes);
        return bytes.ToArray();
    }
}

/// <summary>A file in the temporary directory, deleted with this object.</summary>
internal sealed class TemporaryFile : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("quorate-backup-").FullName;

    public TemporaryFile(byte[] bytes) => Write(bytes);

    public string Path => System.IO.Path.Combine(_directory, "backup");

    /// <summary>A path beside the file at which nothing is.</summary>
    public string DirectoryPath => System.IO.Path.Combine(_directory, "data");

    public void Write(byte[] bytes) => File.WriteAllBytes(Path, bytes);

    public void Dispose() => Directory.Delete(_directory, recursive: true);
}
