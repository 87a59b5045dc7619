using System.Buffers;
using System.Collections.Immutable;
using Google.Protobuf;
using Quorate.Server.Protos;
using Quorate.Server.Settings;

namespace Quorate.Server.Replication;

/// <summary>Who the members are and where clients find them: each member announces itself through the log, so all of them know.</summary>
/// <remarks>
/// An announcement is the byte <see cref="CommandPrefix"/> followed by etcd's Member message. The mark is not a format number of the
/// store's commands, which is how the two are told apart in the log.
/// Threading: announcements are applied by one thread; any thread may list.
/// </remarks>
internal sealed class MemberRegistry
{
    /// <summary>The first byte of an announcement in the log.</summary>
    public const byte CommandPrefix = 0xE1;

    private ImmutableSortedDictionary<ulong, Member> _members;

    /// <summary>Begins with the members of the cluster as it is first made: known by peer URL, and by name once they have announced themselves.</summary>
    public MemberRegistry(IEnumerable<InitialMember> members)
    {
        _members = members.ToImmutableSortedDictionary(
            m => m.Id.Value,
            m => new Member { ID = m.Id.Value, PeerURLs = { m.PeerUrls.Select(u => u.Text) } });
    }

    /// <summary>All of them, by id. Those listed are copies.</summary>
    public IEnumerable<Member> List() => Volatile.Read(ref _members).Values.Select(m => m.Clone());

    /// <summary>The command by which a member announces its name and where clients find it.</summary>
    public static ReadOnlyMemory<byte> EncodePublishCommand(ulong id, string name, IEnumerable<string> clientUrls)
    {
        var member = new Member { ID = id, Name = name, ClientURLs = { clientUrls } };
        var command = new ArrayBufferWriter<byte>();
        command.Write([CommandPrefix]);
        member.WriteTo(command);
        return command.WrittenMemory;
    }

    /// <summary>Applies an announcement. One by somebody who is no member changes nothing.</summary>
    public void Apply(ReadOnlyMemory<byte> command)
    {
        var published = Member.Parser.ParseFrom(command.Span[1..]);
        if (!_members.TryGetValue(published.ID, out var known))
            return;

        var updated = known.Clone();
        updated.Name = published.Name;
        updated.ClientURLs.Clear();
        updated.ClientURLs.Add(published.ClientURLs);
        Volatile.Write(ref _members, _members.SetItem(published.ID, updated));
    }

    /// <summary>Whether a member is in the book as it announces itself now.</summary>
    public bool IsPublished(ulong id, string name, IReadOnlyList<string> clientUrls) =>
        Volatile.Read(ref _members).TryGetValue(id, out var known) && known.Name == name && known.ClientURLs.SequenceEqual(clientUrls);
}
