using System.Buffers;
using System.Collections.Immutable;
using Google.Protobuf;
using Quorate.Server.Protos;
using Quorate.Server.Settings;

namespace Quorate.Server.Replication;

/// <summary>The members of the cluster, their names and client URLs. Each member publishes its own through the log.</summary>
/// <remarks>
/// A publish command is the byte <see cref="CommandPrefix"/> followed by etcd's Member message. The prefix is not a format number of the
/// store's commands, which distinguishes the two kinds in the log.
/// Threading: the applier applies commands; any thread may list.
/// </remarks>
internal sealed class MemberRegistry
{
    /// <summary>The first byte of a publish command in the log.</summary>
    public const byte CommandPrefix = 0xE1;

    private ImmutableSortedDictionary<ulong, Member> _members;

    /// <summary>
    /// Creates the registry with the initial members. Each has its peer URLs from the start, and its name and client URLs once it has
    /// published them.
    /// </summary>
    public MemberRegistry(IEnumerable<InitialMember> members)
    {
        _members = members.ToImmutableSortedDictionary(
            m => m.Id.Value,
            m => new Member { ID = m.Id.Value, PeerURLs = { m.PeerUrls.Select(u => u.Text) } });
    }

    /// <summary>Lists all members in the order of their ids. The listed members are copies.</summary>
    public IEnumerable<Member> List() => Volatile.Read(ref _members).Values.Select(m => m.Clone());

    /// <summary>Encodes the command by which a member publishes its name and client URLs.</summary>
    public static ReadOnlyMemory<byte> EncodePublishCommand(ulong id, string name, IEnumerable<string> clientUrls)
    {
        var member = new Member { ID = id, Name = name, ClientURLs = { clientUrls } };
        var command = new ArrayBufferWriter<byte>();
        command.Write([CommandPrefix]);
        member.WriteTo(command);
        return command.WrittenMemory;
    }

    /// <summary>
    /// Applies a publish command. A command of a node that is not a member has no effect. Returns false if the bytes are no Member message.
    /// </summary>
    public bool TryApply(ReadOnlyMemory<byte> command)
    {
        Member published;
        try
        {
            published = Member.Parser.ParseFrom(command.Span[1..]);
        }
        catch (InvalidProtocolBufferException)
        {
            return false;
        }

        if (!_members.TryGetValue(published.ID, out var known))
            return true;

        var updated = known.Clone();
        updated.Name = published.Name;
        updated.ClientURLs.Clear();
        updated.ClientURLs.Add(published.ClientURLs);
        Volatile.Write(ref _members, _members.SetItem(published.ID, updated));
        return true;
    }

    /// <summary>Returns what the members have published, in the order of their ids. The result does not change later.</summary>
    /// <remarks>Peer URLs are not published: each member has them from its own settings.</remarks>
    public IReadOnlyList<Member> Published() =>
        [.. Volatile.Read(ref _members).Values.Where(static m => m.Name.Length > 0 || m.ClientURLs.Count > 0).Select(AsPublished)];

    /// <summary>
    /// Replaces everything that members have published. What was published by a node that is not a member has no effect, as with
    /// <see cref="TryApply"/>.
    /// </summary>
    public void Restore(IEnumerable<Member> published)
    {
        var byId = published.ToDictionary(static m => m.ID);
        Volatile.Write(ref _members, _members.Values.ToImmutableSortedDictionary(
            static m => m.ID,
            m =>
            {
                var restored = byId.TryGetValue(m.ID, out var found) ? AsPublished(found) : new Member { ID = m.ID };
                restored.PeerURLs.Add(m.PeerURLs);
                return restored;
            }));
    }

    private static Member AsPublished(Member member) =>
        new() { ID = member.ID, Name = member.Name, ClientURLs = { member.ClientURLs } };

    /// <summary>Whether a member is registered with this name and these client URLs.</summary>
    public bool IsPublished(ulong id, string name, IReadOnlyList<string> clientUrls) =>
        Volatile.Read(ref _members).TryGetValue(id, out var known) && known.Name == name && known.ClientURLs.SequenceEqual(clientUrls);
}
