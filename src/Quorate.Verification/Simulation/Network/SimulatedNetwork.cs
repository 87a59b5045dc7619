using System.Buffers.Binary;
using Quorate.Raft;

namespace Quorate.Verification.Simulation.Network;

/// <summary>All links between the members: they delay, lose, repeat, reorder, clog, are cut one way or both, and bring back what was said long ago.</summary>
internal sealed class SimulatedNetwork(VirtualTime time, SwarmOptions swarm, ulong seed, EventLog eventLog, Counters counters)
{
    /// <summary>How long after it was sent a stale message may come, at most.</summary>
    private const long StaleMax = 20 * VirtualTime.Second;

    private readonly Dictionary<NodeId, Endpoint> _endpoints = [];
    private readonly Dictionary<(NodeId From, NodeId To), Link> _links = [];
    private readonly Dictionary<NodeId, ulong> _incarnations = [];
    private readonly Dictionary<NodeId, HardState> _announcedVotes = [];
    private bool _isFaultFree;

    /// <summary>The process that answers at an address, or nobody.</summary>
    public void Bind(NodeId node, Endpoint? endpoint)
    {
        if (endpoint is null)
        {
            _endpoints.Remove(node);
            return;
        }

        _endpoints[node] = endpoint;
        _incarnations[node] = endpoint.Incarnation;
    }

    /// <summary>Of the folder with which a process answered last at an address; 0 when none ever did.</summary>
    public ulong IncarnationOf(NodeId node) => _incarnations.GetValueOrDefault(node);

    /// <summary>The newest vote that a member has told anybody of: it must never vote otherwise in that term, whatever becomes of its process and its power.</summary>
    public HardState AnnouncedVoteOf(NodeId node) => _announcedVotes.GetValueOrDefault(node);

    /// <summary>A member tells somebody for whom it has voted.</summary>
    public void RecordAnnouncedVote(NodeId node, HardState vote) => _announcedVotes[node] = vote;

    public void Send(NodeId from, NodeId to, Packet packet)
    {
        var link = LinkOf(from, to);
        if (_isFaultFree)
        {
            ScheduleDelivery(link, packet, swarm.DelayMin);
            return;
        }

        // Everything is drawn for each message: a fate that does not exist leaves those of later messages as they were.
        var prng = link.Prng;
        var (isLost, isDuplicated, isStale) = (prng.Chance(swarm.LossPerMille), prng.Chance(swarm.DuplicatesPerMille), prng.Chance(swarm.StalePerMille));
        var (delay, duplicateDelay, staleDelay) =
            (prng.Between(swarm.DelayMin, swarm.DelayMax), prng.Between(swarm.DelayMin, swarm.DelayMax), prng.Between(swarm.DelayMax, StaleMax));
        if (isLost)
        {
            counters.Increment("message lost");
            return;
        }

        ScheduleDelivery(link, packet, delay);
        if (isDuplicated)
        {
            counters.Increment("message repeated");
            ScheduleDelivery(link, packet, duplicateDelay);
        }

        if (isStale)
            ScheduleStaleDelivery(link, packet, staleDelay);
    }

    /// <summary>What would arrive through a link until then is lost, one way. Of several cuts the one that ends last counts.</summary>
    public void Cut(NodeId from, NodeId to, long until)
    {
        var link = LinkOf(from, to);
        link.CutUntil = Math.Max(link.CutUntil, until);
    }

    /// <summary>What is sent through a link until then arrives no sooner. Of several clogs the one that ends last counts.</summary>
    public void Clog(NodeId from, NodeId to, long until)
    {
        var link = LinkOf(from, to);
        link.CloggedUntil = Math.Max(link.CloggedUntil, until);
    }

    /// <summary>A member hears that its connection to a peer was closed. False when it does not: nobody is there, or nothing comes through.</summary>
    public bool NotifyDisconnect(NodeId peer, NodeId to)
    {
        if (!_endpoints.TryGetValue(to, out var endpoint) || IsCut(LinkOf(peer, to)))
            return false;
        endpoint.Enqueue(peer, null);
        return true;
    }

    /// <summary>No link loses, delays or is cut any more; what was on its way for long never comes.</summary>
    public void DisableFaults()
    {
        _isFaultFree = true;
        foreach (var link in _links.Values)
        {
            link.CutUntil = 0;
            link.CloggedUntil = 0;
        }
    }

    private void ScheduleStaleDelivery(Link link, Packet packet, long delay) => time.ScheduleAfter(delay, () =>
    {
        if (_isFaultFree)
            return;
        counters.Increment("message long after");
        Deliver(link, packet);
    });

    private void ScheduleDelivery(Link link, Packet packet, long delay)
    {
        var arrival = Math.Max(time.Now + delay, link.CloggedUntil);
        if (!swarm.ReordersMessages || _isFaultFree)
            arrival = Math.Max(arrival, link.LastArrival);
        link.LastArrival = Math.Max(link.LastArrival, arrival);
        time.ScheduleAt(arrival, () => Deliver(link, packet));
    }

    private void Deliver(Link link, Packet packet)
    {
        if (IsCut(link))
        {
            counters.Increment("message cut off");
            return;
        }

        if (!_endpoints.TryGetValue(link.To, out var endpoint) || endpoint.Incarnation != packet.ReceiverIncarnation)
            return;
        eventLog.AddToHash((link.From.Value << 32) ^ link.To.Value ^ BinaryPrimitives.ReadUInt64LittleEndian(packet.Frame.AsSpan(8)));
        endpoint.Enqueue(link.From, packet);
    }

    private bool IsCut(Link link) => time.Now < link.CutUntil;

    private Link LinkOf(NodeId from, NodeId to)
    {
        if (!_links.TryGetValue((from, to), out var link))
            _links.Add((from, to), link = new Link(from, to, Prng.Derive(seed, $"link {from} {to}")));
        return link;
    }

    private sealed class Link(NodeId from, NodeId to, Prng prng)
    {
        public NodeId From { get; } = from;

        public NodeId To { get; } = to;

        public Prng Prng { get; } = prng;

        public long CutUntil { get; set; }

        public long CloggedUntil { get; set; }

        public long LastArrival { get; set; }
    }
}
