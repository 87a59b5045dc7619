using Quorate.Node.Snapshots;
using Quorate.Node.Storage;
using Quorate.Node.Tests.Storage;
using Quorate.Raft;

namespace Quorate.Node.Tests.Snapshots;

/// <summary>Builds states for these tests in one line each.</summary>
internal static class SnapshotGiven
{
    public const ulong ClusterId = 0xC0DE;

    public static Configuration Configuration { get; } =
        new([new NodeId(1), new NodeId(2)], [new NodeId(2), new NodeId(3)], [new NodeId(4)]);

    /// <summary>Options with short chunks, and with the same random numbers in every run.</summary>
    public static SnapshotOptions SmallChunks(ulong nonce = 0x1234_5678_9ABC_DEF0) => new()
    {
        ChunkBytes = 100, FlushBytes = 1000, GenerateNonce = () => nonce += 0x9E37_79B9,
    };

    public static SnapshotStore OpenStore(IStorage storage, SnapshotOptions? options = null) =>
        SnapshotStore.Open(storage, ClusterId, GroupId.First, options ?? SmallChunks());

    public static EntryId Id(ulong index, ulong term = 1) => new(new Term(term), new LogIndex(index));

    /// <summary>The content of the snapshot of an entry: different for each.</summary>
    public static byte[] Content(ulong index, int bytes)
    {
        var content = new byte[bytes];
        new Random((int)index).NextBytes(content);
        return content;
    }

    public static SnapshotInfo Write(SnapshotStore store, ulong index, int bytes) =>
        store.Write(Id(index), Configuration, new View(Content(index, bytes)), CancellationToken.None);

    /// <summary>Writes a snapshot on a disk of its own, and returns the bytes of its file: what a peer sends.</summary>
    public static (SnapshotId Id, byte[] Bytes) FileOfPeer(ulong index, int bytes, ulong nonce = 0x0FED_CBA9)
    {
        var disk = new MemoryStorage();
        var info = Write(OpenStore(disk, SmallChunks(nonce)), index, bytes);
        return (info.Id, disk.BytesOf(info.Name));
    }

    public static byte[] Read(SnapshotStore store, SnapshotInfo info)
    {
        using var stream = store.OpenContent(info);
        using var content = new MemoryStream();
        stream.CopyTo(content);
        return content.ToArray();
    }

    public static void Receive(SnapshotReception reception, byte[] file, int pieceBytes = 70)
    {
        while (reception.Offset < file.Length)
        {
            var at = (int)reception.Offset;
            reception.Write(at, file.AsSpan(at, Math.Min(pieceBytes, file.Length - at)));
        }
    }

    public static void Put(MemoryStorage disk, string name, ReadOnlySpan<byte> bytes)
    {
        if (disk.List().Contains(name))
            disk.Delete(name);
        using var file = disk.Create(name, bytes.Length);
        file.Write(0, bytes);
        file.Flush();
        disk.FlushDirectory();
    }

    /// <summary>A state that is written in pieces of seven bytes.</summary>
    public sealed class View(byte[] content) : IStateMachineSnapshot
    {
        public void WriteTo(Stream destination)
        {
            for (var at = 0; at < content.Length; at += 7)
                destination.Write(content, at, Math.Min(7, content.Length - at));
        }

        public void Dispose()
        {
        }
    }

    /// <summary>A state whose encoding does what a test wants.</summary>
    public sealed class ScriptedView(Action<Stream> write) : IStateMachineSnapshot
    {
        public void WriteTo(Stream destination) => write(destination);

        public void Dispose()
        {
        }
    }
}
