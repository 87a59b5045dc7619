using System.Collections.Concurrent;
using Quorate.Node.Driver;
using Quorate.Node.Storage;
using Quorate.Node.Transport;
using Quorate.Raft;
using Quorate.Verification.Simulation.Coverage;

namespace Quorate.Verification.Simulation.Network;

/// <summary>What a node validates when a peer connects, and what it then tells the peer or asks others. One for each process.</summary>
/// <remarks>
/// There are no connections in the simulator, so every message is validated, at both ends. What a node that does not know the sender
/// answers, and the members that its peers state when it asks, take one and two delays of the links; each at most every half second, as the
/// waits between two connection attempts make it.
/// </remarks>
internal sealed class SimulatedHandshakes(SimulatedCluster cluster, SimulatedMachine machine, IdentityFile identity)
{
    private const long RetryInterval = 500 * VirtualTime.Millisecond;

    private readonly ulong[] _knownDirectories = new ulong[cluster.Members.Count + 1];
    private IReadOnlyDictionary<NodeId, PeerAddress> _peers = new Dictionary<NodeId, PeerAddress>();
    private long _nextAnswerAt;

    /// <summary>The id of the data directory of this process.</summary>
    public ulong DirectoryId => identity.DirectoryId.Value;

    /// <inheritdoc cref="RaftGroupOptions.Directories"/>
    public ConcurrentQueue<(NodeId Peer, DirectoryId Directory)> Directories { get; } = new();

    /// <inheritdoc cref="RaftGroupOptions.RemovedAccordingTo"/>
    public ConcurrentDictionary<NodeId, bool> RemovedAccordingTo { get; } = new();

    /// <inheritdoc cref="RaftGroupOptions.StatedConfigurations"/>
    public ConcurrentQueue<ConfigurationAt> StatedConfigurations { get; } = new();

    /// <summary>The members of the group of this process; null while it starts.</summary>
    private GroupMembers? Members => machine.Process?.Group.Members;

    /// <summary>Replaces the peers.</summary>
    public void SetPeers(IReadOnlyDictionary<NodeId, PeerAddress> peers) => _peers = peers;

    /// <summary>Whether the node exchanges messages with another one.</summary>
    public bool IsPeer(NodeId node) => _peers.ContainsKey(node);

    /// <summary>Whether a message of a node is accepted, which runs on a data directory.</summary>
    public bool Accepts(NodeId sender, ulong directory)
    {
        if (IsPeer(sender))
            return IsKnownDirectory(sender, directory);
        OnUnknownSender(sender);
        return false;
    }

    /// <summary>Whether a peer runs on the data directory that is known, or the first one that is.</summary>
    public bool IsKnownDirectory(NodeId peer, ulong directory)
    {
        // This runs for every message; the identity file is consulted only for the first one from each directory.
        if (directory == 0 || _knownDirectories[peer.Value] == directory)
            return true;
        var hadFailed = machine.Disk.HasFailed;
        try
        {
            var bound = Members?.State.Current.Configuration.Find(peer)?.Directory.Value ?? 0;
            if ((bound != 0 && bound != directory) || !identity.TryRecordPeer(peer, new DirectoryId(directory)))
            {
                cluster.Counters.Increment(CoverageMark.ChangedDirectoryRejected);
                return false;
            }

            _knownDirectories[peer.Value] = directory;
            cluster.KnownPeers.Add((machine.Id, peer));
            if (cluster.Swarm.ChangesMembers)
                Directories.Enqueue((peer, new DirectoryId(directory)));
            return true;
        }
        catch (IOException fault) when (fault is not DiskFlushException && !hadFailed)
        {
            // The disk is full: a peer whose directory cannot be recorded is rejected, and the node keeps running.
            machine.Disk.ForgiveFailure();
            return false;
        }
    }

    private void OnUnknownSender(NodeId sender)
    {
        if (cluster.Time.Now < _nextAnswerAt || Members is not { } members)
            return;
        _nextAnswerAt = cluster.Time.Now + RetryInterval;
        if (members.WasRemoved(sender, machine.Process!.Core.Leader))
        {
            cluster.Network.Call(machine.Id, sender, static (it, from) => it.RemovedAccordingTo.TryAdd(from, true));
            return;
        }

        foreach (var peer in _peers.Keys)
        {
            cluster.Network.Call(machine.Id, peer, (it, from) =>
            {
                if (it.Members is { State.Committed: { Configuration.IsEmpty: false } stated })
                    cluster.Network.Call(peer, from, (asker, _) => asker.OnStated(stated));
            });
        }
    }

    private void OnStated(ConfigurationAt stated)
    {
        cluster.Counters.Increment("members stated by a peer");
        StatedConfigurations.Enqueue(stated);
    }
}
