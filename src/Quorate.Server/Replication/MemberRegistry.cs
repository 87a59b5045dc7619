using System.Buffers;
using System.Collections.Frozen;
using System.Collections.Immutable;
using Google.Protobuf;
using Quorate.Raft;
using Quorate.Server.Settings;
using Member = Quorate.Server.Protos.Member;

namespace Quorate.Server.Replication;

/// <summary>The members of the cluster, their names and client URLs. Each member publishes its own through the log.</summary>
/// <remarks>
/// <code>
///   the configuration of the node: ids, roles, and the peer URLs of members that were added or changed   ─┐
///   the settings: the peer URLs of the members of the initial cluster                                    ─┼─► etcd's Member
///   publish commands: names and client URLs                                                              ─┘
/// </code>
/// A publish command is the byte <see cref="CommandPrefix"/> followed by etcd's Member message. The prefix is not a format number of the
/// store's commands, which distinguishes the two kinds in the log.
/// Threading: the applier applies commands; any thread may list.
/// </remarks>
internal sealed class MemberRegistry
{
    /// <summary>The first byte of a publish command in the log.</summary>
    public const byte CommandPrefix = 0xE1;

    private readonly FrozenDictionary<ulong, IReadOnlyList<string>> _initialUrls;
    private ImmutableSortedDictionary<ulong, Member> _published = ImmutableSortedDictionary<ulong, Member>.Empty;
    private Func<Configuration>? _configuration;

    /// <summary>
    /// Creates the registry with the initial members. Each has its peer URLs from the start, and its name and client URLs once it has
    /// published them.
    /// </summary>
    public MemberRegistry(IEnumerable<InitialMember> members) => _initialUrls = members.ToFrozenDictionary(
        static member => member.Id.Value, static member => (IReadOnlyList<string>)[.. member.PeerUrls.Select(static url => url.Text)]);

    /// <summary>Sets where the members are read from, when the node has started; before that they are the initial ones.</summary>
    public void UseConfiguration(Func<Configuration> configuration) => Volatile.Write(ref _configuration, configuration);

    /// <summary>Lists all members in the order of their ids. The listed members are copies.</summary>
    public IEnumerable<Member> List() => List(Volatile.Read(ref _configuration)?.Invoke() ?? Configuration.None);

    /// <summary>
    /// Lists the members of a configuration, in the order of their ids; those of the initial cluster if it is empty. A member that leaves
    /// with a change in progress is not listed.
    /// </summary>
    public IEnumerable<Member> List(Configuration configuration)
    {
        var published = Volatile.Read(ref _published);
        if (configuration.IsEmpty)
            return [.. _initialUrls.OrderBy(static member => member.Key).Select(member => Create(member.Key, member.Value, published))];
        var listed = new List<Member>();
        foreach (var detail in configuration.Details)
        {
            var isLearner = configuration.Learners.Contains(detail.Id);
            if (!isLearner && !configuration.Voters.Contains(detail.Id))
                continue;
            var urls = MemberPeerUrls.Of(detail);
            var member = Create(detail.Id.Value, urls.Count > 0 ? urls : _initialUrls.GetValueOrDefault(detail.Id.Value) ?? [], published);
            member.IsLearner = isLearner;
            listed.Add(member);
        }

        return listed;
    }

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
    /// Applies a publish command. What a node publishes that is not a member is not listed. Returns false if the bytes are no Member
    /// message.
    /// </summary>
    public bool TryApply(ReadOnlyMemory<byte> command)
    {
        try
        {
            var member = AsPublished(Member.Parser.ParseFrom(command.Span[1..]));
            Volatile.Write(ref _published, _published.SetItem(member.ID, member));
            return true;
        }
        catch (InvalidProtocolBufferException)
        {
            return false;
        }
    }

    /// <summary>Returns what the members have published, in the order of their ids. The result does not change later.</summary>
    /// <remarks>
    /// Peer URLs are not published: the configuration has them. What a removed member has published is left out: its id is never used
    /// again.
    /// </remarks>
    public IReadOnlyList<Member> Published()
    {
        var published = Volatile.Read(ref _published);
        var configuration = Volatile.Read(ref _configuration)?.Invoke() ?? Configuration.None;
        return
        [
            .. published.Values.Where(member =>
                configuration.IsEmpty ? _initialUrls.ContainsKey(member.ID) : configuration.IsMember(new NodeId(member.ID))),
        ];
    }

    /// <summary>Replaces everything that members have published.</summary>
    public void Restore(IEnumerable<Member> published) =>
        Volatile.Write(ref _published, published.Select(AsPublished).ToImmutableSortedDictionary(static m => m.ID, static m => m));

    /// <summary>Whether a member is registered with this name and these client URLs.</summary>
    public bool IsPublished(ulong id, string name, IReadOnlyList<string> clientUrls) =>
        Volatile.Read(ref _published).TryGetValue(id, out var known) && known.Name == name && known.ClientURLs.SequenceEqual(clientUrls);

    private static Member Create(ulong id, IReadOnlyList<string> peerUrls, ImmutableSortedDictionary<ulong, Member> published)
    {
        var member = published.TryGetValue(id, out var known) ? AsPublished(known) : new Member { ID = id };
        member.PeerURLs.Add(peerUrls);
        return member;
    }

    private static Member AsPublished(Member member) =>
        new() { ID = member.ID, Name = member.Name, ClientURLs = { member.ClientURLs } };
}
