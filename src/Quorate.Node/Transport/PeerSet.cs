using System.Net;
using Quorate.Raft;

namespace Quorate.Node.Transport;

/// <summary>The current peers of a node.</summary>
/// <remarks>Threading: every member may be called from any thread; a lookup takes no lock.</remarks>
internal sealed class PeerSet(TransportContext context)
{
    private readonly Lock _gate = new();
    private volatile Dictionary<NodeId, Peer> _peers = [];
    private bool _closed;

    /// <summary>The counters of every peer, in id order.</summary>
    public IReadOnlyList<PeerCounters> Counters =>
        [.. _peers.Values.Select(static peer => peer.Counters).OrderBy(static counters => counters.Peer)];

    public Peer? Find(NodeId id) => _peers.GetValueOrDefault(id);

    /// <summary>Whether the configured address of a peer is this one, or its name has been resolved to it.</summary>
    public bool HasAddress(IPAddress address)
    {
        foreach (var peer in _peers.Values)
        {
            if (peer.Outbound.ResolvedAddresses.Contains(address))
                return true;
        }

        return false;
    }

    /// <summary>
    /// Replaces the peer set: connects to new peers, reconnects to peers whose address changed, disconnects removed peers. Connections with
    /// the other peers are not affected.
    /// </summary>
    public void Replace(IReadOnlyDictionary<NodeId, PeerAddress> addresses)
    {
        lock (_gate)
        {
            if (_closed)
                return;
            var before = _peers;
            var after = new Dictionary<NodeId, Peer>();
            foreach (var (id, address) in addresses)
            {
                if (id == context.Options.NodeId)
                    continue;
                if (before.TryGetValue(id, out var peer))
                {
                    peer.Outbound.Address = address;
                }
                else
                {
                    peer = new Peer(context, id, address);
                    context.TaskTracker.TryRun(peer.Outbound.RunAsync);
                }

                after.Add(id, peer);
            }

            _peers = after;
            foreach (var (id, peer) in before)
            {
                if (!after.ContainsKey(id))
                    peer.Remove();
            }
        }
    }

    /// <summary>Disconnects every peer and accepts no new one. Returns the peers, or null when the set was closed before.</summary>
    /// <remarks>The peers may be disposed when the tasks that serve their connections have ended.</remarks>
    public IReadOnlyCollection<Peer>? Close()
    {
        lock (_gate)
        {
            if (_closed)
                return null;
            _closed = true;
            foreach (var peer in _peers.Values)
                peer.Remove();
            return _peers.Values;
        }
    }
}
