using System.Buffers.Binary;
using System.Text;

namespace Quorate.Raft;

/// <summary>
/// Encodes a configuration: the payload of an entry of kind <see cref="EntryKind.Configuration"/>, and a part of a snapshot file. All
/// integers are little-endian.
/// </summary>
/// <remarks><code>
///   0   4  number of records
///   4   n  records, one for each member, in id order:
///            0   2  length of the record, bytes: 16 or more
///            2   1  kind of record: 1, a member
///            3   1  flags: 1 voter, 2 voter of the outgoing configuration, 4 learner, 8 initial, 16 promote when ready
///            4   2  bytes of the address
///            6   2  bytes of the data
///            8   8  member id
///           16   8  directory id; 0: the member is not bound
///           24      the address and then the data, UTF-8, and behind them what a later version adds about a member
/// </code>
/// A record of 16 bytes is an initial member of which nothing else is known; it is written for such a member.
/// A record states its own length, so a record that a later version extends can be read. A record of another kind cannot be ignored,
/// because it may be part of what the cluster agreed on. The golden files of the log and of snapshots contain configurations.
/// </remarks>
public static class ConfigurationCodec
{
    private const int CountBytes = 4;
    private const int ShortRecordBytes = 16;
    private const int RecordBytes = 24;
    private const byte MemberKind = 1;

    [Flags]
    private enum Flags : byte
    {
        None = 0,
        Voter = 1,
        OutgoingVoter = 2,
        Learner = 4,
        Initial = 8,
        PromoteWhenReady = 16,
    }

    /// <summary>Returns the length of an encoded configuration, bytes.</summary>
    public static int SizeOf(Configuration configuration)
    {
        var bytes = CountBytes;
        foreach (var member in configuration.Details)
            bytes += SizeOf(member);
        return bytes;
    }

    /// <summary>Encodes a configuration.</summary>
    public static byte[] Encode(Configuration configuration)
    {
        var bytes = new byte[SizeOf(configuration)];
        Write(bytes, configuration);
        return bytes;
    }

    /// <summary>Encodes a configuration into the first bytes of <paramref name="target"/>, which are zero.</summary>
    public static void Write(Span<byte> target, Configuration configuration)
    {
        BinaryPrimitives.WriteInt32LittleEndian(target, configuration.Members.Length);
        target = target[CountBytes..];
        foreach (var member in configuration.Details)
        {
            WriteMember(target, member, RolesOf(configuration, member.Id));
            target = target[SizeOf(member)..];
        }
    }

    /// <summary>Decodes a configuration.</summary>
    /// <param name="source">The encoded configuration; bytes behind it are ignored.</param>
    /// <param name="configuration">The configuration.</param>
    /// <param name="fault">What is wrong with the bytes; null if nothing is.</param>
    /// <param name="unknownKind">The kind of a record that this build does not know; 0: none.</param>
    public static bool TryDecode(ReadOnlySpan<byte> source, out Configuration configuration, out string? fault, out byte unknownKind)
    {
        (configuration, fault, unknownKind) = (Configuration.None, null, 0);
        if (source.Length < CountBytes)
        {
            fault = "it is shorter than the number of its records";
            return false;
        }

        List<NodeId> voters = [], outgoing = [], learners = [];
        List<Member> details = [];
        var left = BinaryPrimitives.ReadUInt32LittleEndian(source);
        for (source = source[CountBytes..]; left > 0; left--)
        {
            var length = source.Length < ShortRecordBytes ? 0 : BinaryPrimitives.ReadUInt16LittleEndian(source);
            if (length < ShortRecordBytes || length > source.Length)
            {
                fault = "a record extends beyond it";
                return false;
            }

            if (source[2] != MemberKind)
            {
                (fault, unknownKind) = ($"it has a record of kind {source[2]}", source[2]);
                return false;
            }

            if (!TryParseMember(source[..length], out var member, out var flags))
            {
                fault = "the texts of a record extend beyond it";
                return false;
            }

            details.Add(member);
            if (flags.HasFlag(Flags.Voter))
                voters.Add(member.Id);
            if (flags.HasFlag(Flags.OutgoingVoter))
                outgoing.Add(member.Id);
            if (flags.HasFlag(Flags.Learner))
                learners.Add(member.Id);
            source = source[length..];
        }

        if (details.Count == 0)
            return true;

        try
        {
            configuration = new Configuration(voters, outgoing, learners, details);
            return true;
        }
        catch (ArgumentException invalid)
        {
            fault = invalid.Message;
            return false;
        }
    }

    /// <summary>Decodes the configuration of an entry of the log.</summary>
    /// <exception cref="InvariantViolationException">The entry holds no configuration: no leader appends such an entry.</exception>
    public static Configuration Decode(in LogEntry entry)
    {
        Invariant.That(entry.Kind == EntryKind.Configuration, "only such an entry holds a configuration");
        Invariant.That(TryDecode(entry.Payload.Span, out var configuration, out _, out _), "a leader encodes every configuration");
        return configuration;
    }

    /// <summary>The bytes of the record of a member.</summary>
    internal static int SizeOf(Member member) =>
        IsShort(member)
            ? ShortRecordBytes
            : RecordBytes + Encoding.UTF8.GetByteCount(member.Address) + Encoding.UTF8.GetByteCount(member.Data);

    /// <summary>Writes the record of a member without roles.</summary>
    internal static void WriteMember(Span<byte> target, Member member) => WriteMember(target, member, default);

    /// <summary>Reads the record of a member, which begins with its length. Returns false if it is malformed.</summary>
    internal static bool TryReadMember(ReadOnlySpan<byte> source, out Member member, out int length)
    {
        member = Member.Initial(NodeId.None);
        length = source.Length < ShortRecordBytes ? 0 : BinaryPrimitives.ReadUInt16LittleEndian(source);
        return length >= ShortRecordBytes && length <= source.Length && source[2] == MemberKind
            && TryParseMember(source[..length], out member, out _);
    }

    /// <summary>Whether a record without directory and texts describes the member.</summary>
    private static bool IsShort(Member member) => member.IsInitial && member.Address.Length == 0 && member.Data.Length == 0;

    private static Flags RolesOf(Configuration configuration, NodeId member) =>
        (configuration.Voters.Contains(member) ? Flags.Voter : Flags.None)
        | (configuration.Outgoing.Contains(member) ? Flags.OutgoingVoter : Flags.None)
        | (configuration.Learners.Contains(member) ? Flags.Learner : Flags.None);

    private static void WriteMember(Span<byte> record, Member member, Flags roles)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(record, checked((ushort)SizeOf(member)));
        record[2] = MemberKind;
        BinaryPrimitives.WriteUInt64LittleEndian(record[8..], member.Id.Value);
        if (IsShort(member))
        {
            record[3] = (byte)roles;
            return;
        }

        record[3] = (byte)(roles
            | (member.IsInitial ? Flags.Initial : Flags.None)
            | (member.PromoteWhenReady ? Flags.PromoteWhenReady : Flags.None));
        BinaryPrimitives.WriteUInt64LittleEndian(record[16..], member.Directory.Value);
        var address = Encoding.UTF8.GetBytes(member.Address, record[RecordBytes..]);
        var data = Encoding.UTF8.GetBytes(member.Data, record[(RecordBytes + address)..]);
        BinaryPrimitives.WriteUInt16LittleEndian(record[4..], checked((ushort)address));
        BinaryPrimitives.WriteUInt16LittleEndian(record[6..], checked((ushort)data));
    }

    private static bool TryParseMember(ReadOnlySpan<byte> record, out Member member, out Flags flags)
    {
        flags = (Flags)record[3];
        member = Member.Initial(new NodeId(BinaryPrimitives.ReadUInt64LittleEndian(record[8..])));
        if (record.Length < RecordBytes)
            return true;

        var address = BinaryPrimitives.ReadUInt16LittleEndian(record[4..]);
        var data = BinaryPrimitives.ReadUInt16LittleEndian(record[6..]);
        if (RecordBytes + address + data > record.Length)
            return false;
        member = member with
        {
            Directory = new DirectoryId(BinaryPrimitives.ReadUInt64LittleEndian(record[16..])),
            IsInitial = flags.HasFlag(Flags.Initial),
            PromoteWhenReady = flags.HasFlag(Flags.PromoteWhenReady),
            Address = Encoding.UTF8.GetString(record.Slice(RecordBytes, address)),
            Data = Encoding.UTF8.GetString(record.Slice(RecordBytes + address, data)),
        };
        return true;
    }
}
