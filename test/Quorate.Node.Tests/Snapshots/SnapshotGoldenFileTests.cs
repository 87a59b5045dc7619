using System.Runtime.CompilerServices;
using Quorate.Node.Snapshots;
using Quorate.Node.Tests.Storage;
using Quorate.Raft;

namespace Quorate.Node.Tests.Snapshots;

/// <summary>
/// docs/formats/snapshot.md: the bytes of format 1 never change. <c>QUORATE_REWRITE=1</c> rewrites them, for a new version only.
/// </summary>
public sealed class SnapshotGoldenFileTests
{
    private const string Name = "snapshot-0000000000000102-00000000cafef00d";
    private static readonly EntryId _last = new(new Term(3), new LogIndex(0x102));
    private static readonly SnapshotOptions _options = new() { ChunkBytes = 64, GenerateNonce = static () => 0xCAFE_F00D };

    [Fact]
    public void The_store_writes_the_golden_file_of_format_1()
    {
        var disk = new MemoryStorage();
        SnapshotGiven.OpenStore(disk, _options).Write(
            _last, SnapshotGiven.Configuration, new SnapshotGiven.View(Content()), CancellationToken.None);
        Assert.Equal([Name], disk.List());
        if (Environment.GetEnvironmentVariable("QUORATE_REWRITE") == "1")
            File.WriteAllBytes(PathOfGolden(), disk.BytesOf(Name));
        Assert.True(File.ReadAllBytes(PathOfGolden()).AsSpan().SequenceEqual(disk.BytesOf(Name)), "the snapshot is written differently");
    }

    [Fact]
    public void The_store_reads_the_golden_file_of_format_1()
    {
        var disk = new MemoryStorage();
        SnapshotGiven.Put(disk, Name, File.ReadAllBytes(PathOfGolden()));
        var store = SnapshotGiven.OpenStore(disk);

        Assert.Equal(new SnapshotId(_last, 0xCAFE_F00D, new FileInfo(PathOfGolden()).Length), store.Newest!.Id);
        Assert.Equal(SnapshotGiven.Configuration.ToString(), store.Newest.Configuration.ToString());
        Assert.Equal(Content(), SnapshotGiven.Read(store, store.Newest));
    }

    private static byte[] Content() => [.. "quorate snapshot "u8, .. Enumerable.Range(0, 150).Select(static i => (byte)i)];

    private static string PathOfGolden([CallerFilePath] string here = "") =>
        Path.Combine(Path.GetDirectoryName(here)!, "..", "Golden", "snapshot-v1.bin");
}
