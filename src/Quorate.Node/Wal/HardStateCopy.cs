using System.Buffers.Binary;
using Quorate.Node.Storage;
using Quorate.Raft;

namespace Quorate.Node.Wal;

/// <summary>One copy of the hard state. All integers are little-endian.</summary>
/// <remarks><code>
///   0   4  crc32c over bytes 4 .. 64, xor the number of the copy, 0 .. 3
///   4   4  magic "QHST"
///   8   4  format version: 2; 3 if the repair term or the lease is not 0
///  12   4  the longest lease that may have been granted, milliseconds (HardState.LeaseMilliseconds)
///  16   8  generation: incremented by every save
///  24   8  term
///  32   8  the node that this node voted for in that term; 0 for none
///  40  16  the data directory that the file belongs to (DirectoryStamp)
///  56   8  the repair term (HardState.RepairTerm)
/// </code>
/// Builds that know neither the repair term nor the lease read version 2 only: they would vote. Any change here bumps the version,
/// docs/formats/wal.md and the golden file together.
/// </remarks>
internal readonly record struct HardStateCopy(ulong Generation, HardState State, DirectoryStamp Stamp)
{
    public const int Bytes = 64;
    public const uint Version = 3;
    private const uint VersionThatVotes = 2;
    public const long StampAt = 40;
    private const uint Magic = 0x5453_4851;

    public void Write(Span<byte> target, int copy)
    {
        target[..Bytes].Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(target[4..], Magic);
        var mustWait = State.RepairTerm != Term.Zero || State.LeaseMilliseconds != 0;
        BinaryPrimitives.WriteUInt32LittleEndian(target[8..], mustWait ? Version : VersionThatVotes);
        BinaryPrimitives.WriteUInt32LittleEndian(target[12..], State.LeaseMilliseconds);
        BinaryPrimitives.WriteUInt64LittleEndian(target[16..], Generation);
        BinaryPrimitives.WriteUInt64LittleEndian(target[24..], State.Term.Value);
        BinaryPrimitives.WriteUInt64LittleEndian(target[32..], State.VotedFor.Value);
        Stamp.Write(target[(int)StampAt..]);
        BinaryPrimitives.WriteUInt64LittleEndian(target[56..], State.RepairTerm.Value);
        BinaryPrimitives.WriteUInt32LittleEndian(target, Crc32C.Of(target[4..Bytes]) ^ (uint)copy);
    }

    /// <summary>Reads a copy; returns false when the bytes are not a copy that was written to this place.</summary>
    public static bool TryRead(ReadOnlySpan<byte> source, int copy, string file, out HardStateCopy slot)
    {
        slot = default;
        if (BinaryPrimitives.ReadUInt32LittleEndian(source[4..]) != Magic ||
            BinaryPrimitives.ReadUInt32LittleEndian(source) != (Crc32C.Of(source[4..Bytes]) ^ (uint)copy))
            return false;

        FormatVersion.Verify(file, BinaryPrimitives.ReadUInt32LittleEndian(source[8..]), Version, firstReleased: 2);
        slot = new HardStateCopy(
            BinaryPrimitives.ReadUInt64LittleEndian(source[16..]),
            new HardState(
                new Term(BinaryPrimitives.ReadUInt64LittleEndian(source[24..])),
                new NodeId(BinaryPrimitives.ReadUInt64LittleEndian(source[32..])))
            {
                RepairTerm = new Term(BinaryPrimitives.ReadUInt64LittleEndian(source[56..])),
                LeaseMilliseconds = BinaryPrimitives.ReadUInt32LittleEndian(source[12..]),
            },
            DirectoryStamp.Read(source[(int)StampAt..]));
        return true;
    }
}
