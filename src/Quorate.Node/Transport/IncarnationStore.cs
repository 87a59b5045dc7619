using System.Buffers.Binary;
using System.Security.Cryptography;
using Quorate.Node.Io;
using Quorate.Node.Wal;
using Quorate.Raft;

namespace Quorate.Node.Transport;

/// <summary>The incarnation of this node's data folder, a random number drawn when it was made, and those of the peers it has met. All integers are little-endian.</summary>
/// <remarks><code>
///   0   4  crc32c over bytes 4 .. end
///   4   4  magic "QINC"
///   8   4  format version, 1
///  12   4  n, count of peers
///  16   8  incarnation of this folder
///  24 16n  of each peer, in the order of their ids: node id, incarnation
/// </code>
/// A member that comes back with an empty folder has forgotten its votes and what it had acknowledged. Under its old id it could vote twice in a term, or help to
/// elect a leader without entries that it had promised to keep. It comes with another incarnation, and is not let in by whoever has met the one before.
/// Durability: a peer is in the book, flushed, before it hears that it is welcome; else two of its incarnations could be met on both sides of a crash.
/// Threading: any thread; <see cref="TryRecord"/> may write to the disk. Any change here bumps the version and docs/formats/incarnations.md.
/// </remarks>
internal sealed class IncarnationStore
{
    public const string Name = "incarnations";
    private const uint Version = 1;
    private const uint Magic = 0x434E_4951;
    private const int HeaderBytes = 24;
    private const int PeerBytes = 16;
    private const int FileBytesMax = 1 << 20;
    private readonly Lock _gate = new();
    private readonly IStorage _storage;
    private readonly SortedDictionary<NodeId, ulong> _known = [];

    private IncarnationStore(IStorage storage, ulong own)
    {
        _storage = storage;
        Own = own;
    }

    /// <summary>Of this folder; never 0.</summary>
    public ulong Own { get; private set; }

    /// <summary>Opens the book in a folder, or makes it there.</summary>
    /// <remarks>Durability: <see cref="Own"/> and every peer in it are on the disk when this returns.</remarks>
    /// <exception cref="WalCorruptionException">It is not what was written.</exception>
    public static IncarnationStore Open(IStorage storage, Func<ulong>? generate = null)
    {
        AtomicFile.RemoveUnfinished(storage, Name);
        if (!storage.List().Contains(Name, StringComparer.Ordinal))
        {
            var created = new IncarnationStore(storage, (generate ?? GenerateRandom)());
            created.Write();
            return created;
        }

        var store = new IncarnationStore(storage, 0);
        store.Read();

        // It is whole, but its name may be no more durable than whoever gave it was alive; nor may the end of an unfinished one be.
        storage.FlushDirectory();
        return store;
    }

    /// <summary>Whether a peer may be talked to: it comes with the folder it had when it was met, or it was never met, and then it is remembered.</summary>
    /// <param name="peer">Who it says it is.</param>
    /// <param name="incarnation">Of its folder; 0 when it does not say, as releases before this rule do not.</param>
    public bool TryRecord(NodeId peer, ulong incarnation)
    {
        if (incarnation == 0)
            return true;
        lock (_gate)
        {
            if (_known.TryGetValue(peer, out var known))
                return known == incarnation;
            _known.Add(peer, incarnation);
            try
            {
                Write();
            }
            catch
            {
                _known.Remove(peer);
                throw;
            }

            return true;
        }
    }

    private static ulong GenerateRandom()
    {
        Span<byte> bytes = stackalloc byte[8];
        do
            RandomNumberGenerator.Fill(bytes);
        while (BitConverter.ToUInt64(bytes) == 0);
        return BitConverter.ToUInt64(bytes);
    }

    private void Write()
    {
        var bytes = new byte[HeaderBytes + (PeerBytes * _known.Count)];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(4), Magic);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(8), Version);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(12), _known.Count);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(16), Own);
        var at = HeaderBytes;
        foreach (var (peer, incarnation) in _known)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(at), peer.Value);
            BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(at + 8), incarnation);
            at += PeerBytes;
        }

        BinaryPrimitives.WriteUInt32LittleEndian(bytes, Crc32C.Of(bytes.AsSpan(4)));
        AtomicFile.Replace(_storage, Name, bytes);
    }

    private void Read()
    {
        using var file = _storage.Open(Name);
        var bytes = new byte[Math.Min(file.Length, FileBytesMax)];
        file.ReadExactly(0, bytes);
        if (bytes.Length < HeaderBytes || BinaryPrimitives.ReadUInt32LittleEndian(bytes) != Crc32C.Of(bytes.AsSpan(4)) ||
            BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(4)) != Magic)
            throw Corruption("its checksum is wrong");
        var version = BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(8));
        if (version != Version)
            throw new IOException($"{Name} has format {version}; this build reads format {Version}. Start the build that wrote it, or a newer one.");
        var count = BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(12));
        if (bytes.Length != HeaderBytes + ((long)PeerBytes * count))
            throw Corruption($"it says {count} peers and has {bytes.Length} bytes");

        Own = BinaryPrimitives.ReadUInt64LittleEndian(bytes.AsSpan(16));
        for (var at = HeaderBytes; at < bytes.Length; at += PeerBytes)
            _known[new NodeId(BinaryPrimitives.ReadUInt64LittleEndian(bytes.AsSpan(at)))] = BinaryPrimitives.ReadUInt64LittleEndian(bytes.AsSpan(at + 8));
    }

    private static WalCorruptionException Corruption(string what) =>
        new(Name, 0, "which folder this is, and which peers it has met", what, "It is written aside and flushed before it gets its name, so no crash leaves this.");
}
