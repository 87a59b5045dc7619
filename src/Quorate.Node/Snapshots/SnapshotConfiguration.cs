using System.Buffers.Binary;
using Quorate.Node.Storage;
using Quorate.Node.Wal;
using Quorate.Raft;

namespace Quorate.Node.Snapshots;

/// <summary>The section of a snapshot file with the configuration as of its last entry. All integers are little-endian.</summary>
/// <remarks><code>
///   0   4  crc32c over bytes 4 .. end of the section, xor the seal of its offset
///   4   4  number of records
///   8   n  records, one for each member, in id order:
///            0   2  length of the record, bytes: 16 or more
///            2   1  kind of record: 1, a member
///            3   1  roles: 1 voter, 2 voter of the outgoing configuration, 4 learner
///            4   4  zero
///            8   8  member id
///           16      what a later version adds about a member
/// </code>
/// A record states its own length, so a record that a later version extends can be read: the bytes after the sixteenth are ignored. A
/// record of another kind cannot be ignored, because it may be part of what the cluster agreed on; such a file is rejected.
/// Any change here bumps <see cref="SnapshotHeader.Version"/>, docs/formats/snapshot.md and the golden file together.
/// </remarks>
internal static class SnapshotConfiguration
{
    public const int HeaderBytes = 8;

    /// <summary>The longest section: memory for it is allocated before its content is verified.</summary>
    public const int BytesMax = 256 * 1024;

    private const int RecordBytes = 16;
    private const byte MemberKind = 1;
    private const byte Voter = 1;
    private const byte OutgoingVoter = 2;
    private const byte Learner = 4;

    /// <summary>Returns the length of the section of a configuration, bytes.</summary>
    public static int SizeOf(Configuration configuration) => HeaderBytes + (RecordBytes * configuration.Members.Length);

    public static void Write(Span<byte> target, Configuration configuration, ulong nonce, long offset)
    {
        target = target[..SizeOf(configuration)];
        target.Clear();
        BinaryPrimitives.WriteInt32LittleEndian(target[4..], configuration.Members.Length);
        var record = target[HeaderBytes..];
        foreach (var member in configuration.Members)
        {
            BinaryPrimitives.WriteUInt16LittleEndian(record, RecordBytes);
            record[2] = MemberKind;
            record[3] = (byte)((configuration.Voters.Contains(member) ? Voter : 0)
                | (configuration.Outgoing.Contains(member) ? OutgoingVoter : 0)
                | (configuration.Learners.Contains(member) ? Learner : 0));
            BinaryPrimitives.WriteUInt64LittleEndian(record[8..], member.Value);
            record = record[RecordBytes..];
        }

        BinaryPrimitives.WriteUInt32LittleEndian(target, Crc32C.Of(target[4..]) ^ Sectors.SealOf(nonce, offset));
    }

    /// <summary>Reads a whole section.</summary>
    /// <exception cref="SnapshotCorruptionException">The section is not as it was written.</exception>
    /// <exception cref="IOException">A later version wrote it.</exception>
    public static Configuration Read(ReadOnlySpan<byte> source, ulong nonce, long offset, string file, string why)
    {
        if (BinaryPrimitives.ReadUInt32LittleEndian(source) != (Crc32C.Of(source[4..]) ^ Sectors.SealOf(nonce, offset)))
            throw new SnapshotCorruptionException(file, offset, "the checksum of the configuration is wrong", why);

        List<NodeId> voters = [], outgoing = [], learners = [];
        var at = HeaderBytes;
        for (var left = BinaryPrimitives.ReadUInt32LittleEndian(source[4..]); left > 0; left--)
        {
            var length = source.Length - at < RecordBytes ? 0 : BinaryPrimitives.ReadUInt16LittleEndian(source[at..]);
            if (length < RecordBytes || length > source.Length - at)
                throw new SnapshotCorruptionException(file, offset + at, "a record extends beyond the configuration", why);
            var record = source.Slice(at, length);
            if (record[2] != MemberKind)
            {
                throw new IOException(
                    $"{file} has a record of kind {record[2]} in its configuration, which this build does not know. " +
                    "Start the build that wrote it, or a newer one.");
            }

            var member = new NodeId(BinaryPrimitives.ReadUInt64LittleEndian(record[8..]));
            if ((record[3] & Voter) != 0)
                voters.Add(member);
            if ((record[3] & OutgoingVoter) != 0)
                outgoing.Add(member);
            if ((record[3] & Learner) != 0)
                learners.Add(member);
            at += length;
        }

        try
        {
            return new Configuration(voters, outgoing, learners);
        }
        catch (ArgumentException e)
        {
            throw new SnapshotCorruptionException(file, offset, $"it is not a configuration: {e.Message}", why, e);
        }
    }
}
