using System.Buffers.Binary;
using System.Security.Cryptography;
using Quorate.Node.Wal;
using Quorate.Raft;

namespace Quorate.Node.Storage;

/// <summary>
/// Stores the incarnation of this node's data directory, which is a random number generated with the directory, and the incarnations of the
/// known peers. All integers are little-endian.
/// </summary>
/// <remarks><code>
///   0   4  crc32c over bytes 4 .. end
///   4   4  magic "QINC"
///   8   4  format version, 1
///  12   4  n, count of peers
///  16   8  incarnation of this data directory
///  24 16n  for each peer, in id order: node id, incarnation
/// </code>
/// A member that comes back with an empty data directory has forgotten its votes and the entries it had acknowledged. Under its old id it
/// could vote twice in a term, or help to elect a leader without entries that it had acknowledged. Its new directory has another
/// incarnation, and every node that knows the old one rejects the member.
/// Durability: a peer is recorded, and the file flushed, before the peer receives its acceptance; otherwise two of its incarnations could
/// be accepted, one before and one after a crash.
/// Threading: any thread; <see cref="TryRecord"/> may write to the disk. Any change here bumps the version and
/// docs/formats/incarnations.md.
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

    /// <summary>The incarnation of this data directory; never 0.</summary>
    public ulong Own { get; private set; }

    /// <summary>Opens the store in a data directory, or creates it.</summary>
    /// <remarks>Durability: <see cref="Own"/> and every peer in the store are on disk when this returns.</remarks>
    /// <exception cref="WalCorruptionException">The file is not as it was written.</exception>
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

        // The content is complete, but the previous process may have ended before the name of the file, or the deletion of an unfinished
        // one, was durable.
        storage.FlushDirectory();
        return store;
    }

    /// <summary>Records the incarnation of a new peer; returns false if the peer is known with another incarnation.</summary>
    /// <param name="peer">The id that the peer sent.</param>
    /// <param name="incarnation">
    /// The incarnation of the peer's data directory; 0 if it sent none, as older releases do. Such a peer is accepted and not recorded.
    /// </param>
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
        {
            throw new IOException(
                $"{Name} has format {version}; this build reads format {Version}. Start the build that wrote it, or a newer one.");
        }

        var count = BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(12));
        if (bytes.Length != HeaderBytes + ((long)PeerBytes * count))
            throw Corruption($"it states {count} peers and has {bytes.Length} bytes");

        Own = BinaryPrimitives.ReadUInt64LittleEndian(bytes.AsSpan(16));
        for (var at = HeaderBytes; at < bytes.Length; at += PeerBytes)
        {
            var peer = new NodeId(BinaryPrimitives.ReadUInt64LittleEndian(bytes.AsSpan(at)));
            _known[peer] = BinaryPrimitives.ReadUInt64LittleEndian(bytes.AsSpan(at + 8));
        }
    }

    private static WalCorruptionException Corruption(string what) =>
        new(Name, 0, "the incarnations of this data directory and of the known peers", what,
            "It is written to a temporary file and flushed before it is renamed, so no crash leaves this.");
}
