using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Text;

namespace Quorate.Raft;

/// <summary>A change of the configuration: any set of changes of members, which take effect together.</summary>
/// <remarks>
/// It is proposed like a command, with <see cref="Proposal.Kind"/> <see cref="EntryKind.Configuration"/>; the leader decides on it and
/// appends the configuration that results. Encoding, little-endian:
/// <code>
///   0   8  the expected configuration: the index of its entry plus 1; 0: any
///   8   4  number of changes
///  12   n  changes:
///            0   1  kind, see MemberChangeKind
///            1   7  zero
///            8      the record of the member, see ConfigurationCodec
/// </code>
/// </remarks>
public sealed record ConfigurationChange
{
    /// <summary>The most changes at a time.</summary>
    public const int ChangesMax = Configuration.MembersMax;

    private const int HeaderBytes = 12;
    private const int ChangeHeaderBytes = 8;

    /// <summary>The changes; each member occurs in one of them.</summary>
    public required ImmutableArray<MemberChange> Changes { get; init; }

    /// <summary>
    /// The index of the configuration to which the changes apply; null: to whichever is in force. If another one is in force, the change is
    /// rejected with <see cref="RejectReason.ConfigurationChanged"/>.
    /// </summary>
    public LogIndex? ExpectedIndex { get; init; }

    /// <summary>Verifies that the change can be encoded.</summary>
    /// <exception cref="ArgumentException">
    /// There is no change, or there are more than <see cref="ChangesMax"/>; an id is 0; or a text is too long.
    /// </exception>
    public void Validate()
    {
        if (Changes.IsDefaultOrEmpty || Changes.Length > ChangesMax)
            throw new ArgumentException(
                $"{(Changes.IsDefault ? 0 : Changes.Length)} changes; at least 1 and at most {ChangesMax} are made at once");
        foreach (var change in Changes)
        {
            if (change.Member.Id == NodeId.None)
                throw new ArgumentException("a change is of member 0; 0 is no valid id");
            var bytes = Encoding.UTF8.GetByteCount(change.Member.Address) + Encoding.UTF8.GetByteCount(change.Member.Data);
            if (bytes > Member.TextBytesMax)
                throw new ArgumentException(
                    $"address and data of member {change.Member.Id} have {bytes} bytes; at most {Member.TextBytesMax}");
        }
    }

    /// <summary>Encodes the change as the payload of a proposal.</summary>
    public byte[] Encode()
    {
        var bytes = new byte[HeaderBytes + Changes.Sum(static change => ChangeHeaderBytes + ConfigurationCodec.SizeOf(change.Member))];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, ExpectedIndex is { } index ? index.Value + 1 : 0);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(8), Changes.Length);
        var at = HeaderBytes;
        foreach (var change in Changes)
        {
            bytes[at] = (byte)change.Kind;
            ConfigurationCodec.WriteMember(bytes.AsSpan(at + ChangeHeaderBytes), change.Member);
            at += ChangeHeaderBytes + ConfigurationCodec.SizeOf(change.Member);
        }

        return bytes;
    }

    /// <summary>Decodes a change. Returns false if the bytes are not one.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> source, out ConfigurationChange change)
    {
        change = new ConfigurationChange { Changes = [] };
        if (source.Length < HeaderBytes)
            return false;
        var expected = BinaryPrimitives.ReadUInt64LittleEndian(source);
        var count = BinaryPrimitives.ReadUInt32LittleEndian(source[8..]);
        if (count is 0 or > ChangesMax)
            return false;

        var changes = ImmutableArray.CreateBuilder<MemberChange>((int)count);
        for (source = source[HeaderBytes..]; count > 0; count--)
        {
            if (source.Length < ChangeHeaderBytes || !Enum.IsDefined((MemberChangeKind)source[0])
                || !ConfigurationCodec.TryReadMember(source[ChangeHeaderBytes..], out var member, out var length))
                return false;
            changes.Add(MemberChange.Of((MemberChangeKind)source[0], member));
            source = source[(ChangeHeaderBytes + length)..];
        }

        change = new ConfigurationChange
        {
            Changes = changes.MoveToImmutable(),
            ExpectedIndex = expected == 0 ? null : new LogIndex(expected - 1),
        };
        return source.IsEmpty;
    }

    /// <summary>Applies the changes to a configuration, without regard to who is healthy.</summary>
    /// <returns>Why the result is no configuration; null if it is one.</returns>
    internal RejectReason? TryApply(Configuration current, out Configuration next)
    {
        next = current;
        var voters = current.Voters.ToHashSet();
        var learners = current.Learners.ToHashSet();
        var details = current.Details.ToDictionary(static member => member.Id);
        var touched = new HashSet<NodeId>();
        foreach (var change in Changes)
        {
            var id = change.Member.Id;
            if (id == NodeId.None || !touched.Add(id))
                return RejectReason.InvalidChange;
            if (Apply(change, voters, learners, details) is { } reason)
                return reason;
        }

        if (voters.Count is 0 or > Quorum.VotersMax)
            return voters.Count == 0 ? RejectReason.NoVoterLeft : RejectReason.TooManyMembers;
        if (details.Count > Configuration.MembersMax || details.Keys.Union(current.Outgoing).Count() > Configuration.MembersMax)
            return RejectReason.TooManyMembers;
        var addresses = details.Values.Select(static member => member.Address).Where(static address => address.Length > 0).ToArray();
        if (addresses.Distinct(StringComparer.Ordinal).Count() < addresses.Length)
            return RejectReason.AddressInUse;

        // While the change is in progress, the members that leave are members, and their details are needed.
        var isJoint = !voters.SetEquals(current.Voters);
        if (isJoint)
        {
            foreach (var voter in current.Voters)
                details.TryAdd(voter, current.Find(voter)!);
        }

        next = new Configuration(voters, isJoint ? current.Voters : null, learners, details.Values);
        return null;
    }

    private static RejectReason? Apply(
        MemberChange change, HashSet<NodeId> voters, HashSet<NodeId> learners, Dictionary<NodeId, Member> details)
    {
        var (id, member) = (change.Member.Id, change.Member);
        var isAddition = change.Kind is MemberChangeKind.AddVoter or MemberChangeKind.AddLearner;
        if (isAddition == details.ContainsKey(id))
            return isAddition ? RejectReason.MemberExists : RejectReason.MemberNotFound;

        switch (change.Kind)
        {
            case MemberChangeKind.AddVoter:
            case MemberChangeKind.AddLearner:
                (change.Kind == MemberChangeKind.AddVoter ? voters : learners).Add(id);

                // Not initial: whoever proposes it, it is bound at the first contact.
                details.Add(id, member with { Directory = DirectoryId.None, IsInitial = false });
                return null;
            case MemberChangeKind.Promote:
                if (!learners.Remove(id))
                    return RejectReason.NotALearner;
                voters.Add(id);
                details[id] = details[id] with { PromoteWhenReady = false };
                return null;
            case MemberChangeKind.Demote:
                if (!voters.Remove(id))
                    return RejectReason.NotAVoter;
                learners.Add(id);
                return null;
            case MemberChangeKind.Remove:
                voters.Remove(id);
                learners.Remove(id);
                details.Remove(id);
                return null;
            case MemberChangeKind.Update:
                details[id] = details[id] with { Address = member.Address, Data = member.Data };
                return null;
            default:
                return RejectReason.InvalidChange;
        }
    }
}
