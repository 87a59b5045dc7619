using System.Collections.Concurrent;
using Quorate.Node.Divergence;
using Quorate.Node.Transport;
using Quorate.Node.Versions;
using Quorate.Raft;

namespace Quorate.Node.Driver;

/// <summary>Keeps everything around the core that depends on the members at their present configuration.</summary>
/// <remarks>
/// <code>
///   core ── MembersChanged ──► transport: its peers ── transport: a peer was authenticated ──► core: PeerDirectory
///                         ├──► snapshots, state hashes, cluster version: with whom they exchange messages
///                         └──► <see cref="State"/>: what other threads read
///   transport: a node that this one does not know ──► peers are asked for the members ──► StatedConfigurations: more peers
/// </code>
/// A node that was away may not know the leader: it was added meanwhile. It accepts messages of any member of a newer configuration that a
/// peer states, but only the log changes its own configuration (thesis §4.1).
/// Threading: the driver calls; the queues of the options are for any thread.
/// </remarks>
internal sealed class GroupMembers
{
    private readonly RaftGroupOptions _options;
    private readonly ITransport _network;
    private readonly GroupSnapshots _snapshots;
    private readonly GroupDivergence _divergence;
    private readonly ClusterVersionProposer _versions;
    private readonly ConcurrentQueue<(NodeId Peer, DirectoryId Directory)> _directories;
    private bool _isSupported = true;

    /// <summary>The newest configuration that a peer has stated; null once the log has reached it.</summary>
    private ConfigurationAt? _stated;
    private volatile IReadOnlyCollection<PeerAddress> _addresses = [];

    public GroupMembers(
        RaftGroupOptions options, RaftCore core, ITransport network, GroupSnapshots snapshots, GroupDivergence divergence,
        ClusterVersionProposer versions)
    {
        (_options, _network, _snapshots, _divergence, _versions) = (options, network, snapshots, divergence, versions);
        State = new ConfigurationState(Current(core), core.CommittedConfiguration);
        _directories = options.Directories;
        _directories.Enqueue((options.Raft.Self, options.Identity.DirectoryId));
        foreach (var (peer, directory) in options.Identity.Identity.Peers)
            _directories.Enqueue((peer, directory));
        Update(core);
    }

    /// <summary>The configurations, for other threads.</summary>
    public ConfigurationState State { get; }

    /// <summary>The addresses of the peers. Any thread may read them.</summary>
    public IReadOnlyCollection<PeerAddress> PeerAddresses => _addresses;

    /// <summary>Whether a node is known to have been removed. Any thread may call it.</summary>
    /// <param name="node">The node, which is not a peer.</param>
    /// <param name="leader">
    /// The leader that this node follows. Without one it may be behind: a node whose directory it has recorded may then be a member that
    /// was added since, and not one that was removed.
    /// </param>
    public bool WasRemoved(NodeId node, NodeId leader)
    {
        var (current, committed) = State.Read(out _);
        return leader != NodeId.None && !committed.Configuration.IsEmpty && !committed.Configuration.IsMember(node)
            && !current.Configuration.IsMember(node) && _options.Identity.Identity.Peers.ContainsKey(node);
    }

    /// <summary>Reads what peers have stated about the members.</summary>
    public void ReadStatedConfigurations(RaftCore core)
    {
        var isNewer = false;
        while (_options.StatedConfigurations.TryDequeue(out var stated))
        {
            // That of a node which knows nothing has index 0, and so has that of the initial members.
            if (stated.Index < core.ConfigurationIndex || stated.Index < _stated?.Index)
                continue;
            _stated = stated;
            isNewer = true;
        }

        if (isNewer)
            Update(core);
    }

    /// <summary>Takes the next input for the core.</summary>
    public bool TryTakeInput(out Input input)
    {
        var isSupported = !_options.HasFixedMembers && _options.Features.IsEnabled(Feature.Membership);
        if (isSupported != _isSupported)
        {
            _isSupported = isSupported;
            input = Input.MembershipSupport(isSupported);
            return true;
        }

        input = default;
        if (!_directories.TryDequeue(out var known))
            return false;
        input = Input.PeerDirectory(known.Peer, known.Directory);
        return true;
    }

    /// <summary>The core has changed the members, or has committed a configuration.</summary>
    public void OnChanged(RaftCore core)
    {
        State.Write(Current(core), core.CommittedConfiguration);
        Update(core);
    }

    /// <summary>Ends a node that the cluster does not accept any more.</summary>
    /// <exception cref="MemberRemovedException">The node was removed, or its data directory is not that of the member.</exception>
    public void ThrowIfExcluded(RaftCore core)
    {
        // A removed leader first passes its leadership on, and what was proposed here until then has its outcome when it is applied.
        if (core.IsRemoved && core.Role != Role.Leader && core.AppliedIndex >= core.CommittedConfiguration.Index)
            throw MemberRemovedException.Removed(core.Self, core.CommittedConfiguration);

        // A member that was down when it was removed learns of it from the others. A single one could be an impostor.
        if (!_options.RemovedAccordingTo.IsEmpty && core.Role != Role.Leader)
        {
            var removers = core.Configuration.Voters.Count(_options.RemovedAccordingTo.ContainsKey);
            if (2 * removers > core.Configuration.Voters.Count(voter => voter != core.Self))
                throw MemberRemovedException.Removed(core.Self, new ConfigurationAt(core.ConfigurationIndex, core.Configuration));
        }

        if (core.Configuration.Find(core.Self) is { } self && self.Directory != DirectoryId.None
            && self.Directory != _options.Identity.DirectoryId)
            throw MemberRemovedException.OtherDirectory(core.Self, self.Directory, _options.Identity.DirectoryId);
    }

    private static ConfigurationAt Current(RaftCore core) => new(core.ConfigurationIndex, core.Configuration);

    private void Update(RaftCore core)
    {
        var addresses = new Dictionary<NodeId, PeerAddress>();
        var peers = new SortedSet<NodeId>();
        if (_stated?.Index <= core.ConfigurationIndex && !core.Configuration.IsEmpty)
            _stated = null;
        foreach (var peer in core.Peers.Concat(_stated?.Configuration.Details.Where(peer => peer.Id != core.Self) ?? []))
        {
            peers.Add(peer.Id);
            if (_options.AddressOf(peer) is { } address)
                addresses[peer.Id] = address;
        }

        // A node that joins a cluster knows no member yet, and is contacted by the leader: any peer that it has an address of may be it.
        if (core.Configuration.IsEmpty)
        {
            foreach (var (peer, address) in _options.InitialPeers)
            {
                peers.Add(peer);
                addresses.TryAdd(peer, address);
            }
        }

        _addresses = [.. addresses.Values];
        _network.SetPeers(addresses);
        _snapshots.SetMembers([.. peers]);
        _divergence.SetConfiguration(core.Configuration);
        _versions.SetMembers(core.Configuration.Members);
    }
}
