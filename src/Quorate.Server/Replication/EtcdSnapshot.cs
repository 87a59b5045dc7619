using System.Buffers.Binary;
using System.Numerics;
using Google.Protobuf;
using Google.Protobuf.Collections;
using Quorate.Kv;
using Quorate.Raft;
using Quorate.Server.Protos;
using Member = Quorate.Server.Protos.Member;

namespace Quorate.Server.Replication;

/// <summary>A frozen state of <see cref="EtcdStateMachine"/>: what the members have published, and the key-value store.</summary>
/// <remarks>
/// <code>
///    0   4   QETC
///    4   4   format: 1
///    8   4   length n of the member list
///   12   n   the member list: etcd's MemberListResponse, each member with its id, name and client URLs, in the order of the ids
///        4   CRC-32C over everything before
///        …   the store: docs/formats/kv-snapshot.md
/// </code>
/// All numbers are little-endian. The format is documented in docs/formats/server-snapshot.md.
/// </remarks>
internal sealed class EtcdSnapshot(IReadOnlyList<Member> members, IStateMachineSnapshot store) : IStateMachineSnapshot
{
    private const uint Format = 1;
    private const int HeaderBytes = 12;
    private const int ChecksumBytes = sizeof(uint);

    /// <summary>The maximum length of the member list. A member publishes a name and a few URLs.</summary>
    private const int MemberListBytesMax = 16 << 20;

    private const int PartBytes = 64 * 1024;

    private static ReadOnlySpan<byte> Magic => "QETC"u8;

    /// <inheritdoc/>
    public void WriteTo(Stream destination)
    {
        var list = new MemberListResponse { Members = { members } };
        var length = list.CalculateSize();
        var bytes = new byte[HeaderBytes + length + ChecksumBytes];
        Magic.CopyTo(bytes);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(4), Format);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(8), length);
        list.WriteTo(bytes.AsSpan(HeaderBytes, length));
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(HeaderBytes + length), ~Checksum(~0u, bytes.AsSpan(0, HeaderBytes + length)));
        destination.Write(bytes);
        store.WriteTo(destination);
    }

    /// <inheritdoc/>
    public void Dispose() => store.Dispose();

    /// <summary>Reads what the members have published, and leaves the stream where the store begins.</summary>
    /// <exception cref="KvSnapshotFormatException">The bytes are not those of a member list in a format that this build reads.</exception>
    public static IReadOnlyList<Member> ReadMembers(Stream source)
    {
        var header = Read(source, HeaderBytes);
        if (!header.AsSpan().StartsWith(Magic))
            throw new KvSnapshotFormatException("the snapshot does not begin as one of an etcd state machine");
        var format = BinaryPrimitives.ReadUInt32LittleEndian(header.AsSpan(4));
        if (format != Format)
            throw new KvSnapshotFormatException($"the snapshot has format {format}, and this build reads format {Format}");
        var length = BinaryPrimitives.ReadUInt32LittleEndian(header.AsSpan(8));
        if (length > MemberListBytesMax)
            throw new KvSnapshotFormatException($"the member list of the snapshot has {length} bytes, more than {MemberListBytesMax}");

        var list = Read(source, (int)length);
        var checksum = BinaryPrimitives.ReadUInt32LittleEndian(Read(source, ChecksumBytes));
        if (checksum != ~Checksum(Checksum(~0u, header), list))
            throw new KvSnapshotFormatException("the checksum of the member list in the snapshot does not match its bytes");
        return Parse(list);
    }

    private static RepeatedField<Member> Parse(byte[] list)
    {
        try
        {
            var members = MemberListResponse.Parser.ParseFrom(list).Members;
            for (var i = 1; i < members.Count; i++)
            {
                if (members[i].ID <= members[i - 1].ID)
                    throw new KvSnapshotFormatException("the member list in the snapshot is out of order");
            }

            return members;
        }
        catch (InvalidProtocolBufferException e)
        {
            throw new KvSnapshotFormatException("the member list in the snapshot cannot be decoded", e);
        }
    }

    /// <summary>Continues a CRC-32C that is not inverted yet; byte by byte, because the list is short.</summary>
    private static uint Checksum(uint running, ReadOnlySpan<byte> bytes)
    {
        foreach (var b in bytes)
            running = BitOperations.Crc32C(running, b);
        return running;
    }

    /// <summary>Reads exactly that many bytes; allocates at most twice what the stream returns.</summary>
    private static byte[] Read(Stream source, int count)
    {
        var bytes = new byte[int.Min(count, PartBytes)];
        for (var end = 0; end < count;)
        {
            if (end == bytes.Length)
                Array.Resize(ref bytes, int.Min(count, 2 * end));
            var read = source.Read(bytes, end, bytes.Length - end);
            if (read == 0)
                throw new KvSnapshotFormatException("the snapshot ends within its member list");
            end += read;
        }

        return bytes;
    }
}
