using Quorate.Node.Transport;
using Quorate.Raft;

namespace Quorate.Verification.Simulation.Network;

/// <summary>
/// All links between the members. Links delay, lose, duplicate and reorder messages, clog, are cut in one direction or both, and deliver
/// stale messages.
/// </summary>
internal sealed class SimulatedNetwork(VirtualTime time, SwarmOptions swarm, ulong seed, EventLog eventLog, RunCounters counters)
{
    /// <summary>The longest delay of a stale message.</summary>
    private const long StaleMax = 20 * VirtualTime.Second;

    private readonly Dictionary<NodeId, SimulatedEndpoint> _endpoints = [];
    private readonly Dictionary<(NodeId From, NodeId To), Link> _links = [];
    private readonly Dictionary<NodeId, ulong> _directories = [];
    private readonly Dictionary<NodeId, HardState> _announcedVotes = [];
    private bool _isFaultFree;

    /// <summary>Binds a member's address to the endpoint of its process; null unbinds it.</summary>
    public void Bind(NodeId node, SimulatedEndpoint? endpoint)
    {
        if (endpoint is null)
        {
            _endpoints.Remove(node);
            return;
        }

        _endpoints[node] = endpoint;
        _directories[node] = endpoint.DirectoryId;
    }

    /// <summary>Returns the data directory of the process that was last bound to a member's address; 0 if there was none.</summary>
    public ulong DirectoryOf(NodeId node) => _directories.GetValueOrDefault(node);

    /// <summary>
    /// Returns the newest vote that a member has sent to another one. The member must never vote differently in that term, whatever happens
    /// to its process and its power.
    /// </summary>
    public HardState AnnouncedVoteOf(NodeId node) => _announcedVotes.GetValueOrDefault(node);

    /// <summary>Records a vote that a member sends to another one.</summary>
    public void RecordAnnouncedVote(NodeId node, HardState vote) => _announcedVotes[node] = vote;

    public void Send(NodeId from, NodeId to, SimulatedPacket packet)
    {
        var link = LinkOf(from, to);
        var (delayMin, delayMax) = swarm.DelaysOf(from, to);
        if (_isFaultFree)
        {
            // Round trips that are longer than a heartbeat interval are no fault.
            var isFar = swarm.IsFar(from) || swarm.IsFar(to);
            ScheduleDelivery(link, packet, isFar ? link.Prng.Between(delayMin, delayMax) : delayMin);
            return;
        }

        // All draws are made for each message, so that a disabled fault does not change the draws of later messages.
        var prng = link.Prng;
        var (isLost, isDuplicated, isStale) =
            (prng.Chance(swarm.LossPerMille), prng.Chance(swarm.DuplicatesPerMille), prng.Chance(swarm.StalePerMille));
        var (delay, duplicateDelay) = (prng.Between(delayMin, delayMax), prng.Between(delayMin, delayMax));
        var staleDelay = prng.Between(delayMax, StaleMax);
        if (isLost)
        {
            link.DisturbUntil(time.Now);
            counters.Increment("message lost");
            return;
        }

        ScheduleDelivery(link, packet, delay);
        if (isDuplicated)
        {
            counters.Increment("message duplicated");
            ScheduleDelivery(link, packet, duplicateDelay);
        }

        if (isStale)
            ScheduleStaleDelivery(link, packet, staleDelay);
    }

    /// <summary>
    /// Calls another member outside the messages, as a handshake does. The call arrives after the longest delay of the link, unless the
    /// link is cut or the member is down then.
    /// </summary>
    public void Call(NodeId from, NodeId to, Action<SimulatedHandshakes, NodeId> onArrival) =>
        time.ScheduleAfter(swarm.DelaysOf(from, to).Max, () =>
        {
            if (IsCut(LinkOf(from, to)) || !_endpoints.TryGetValue(to, out var endpoint))
                return;
            onArrival(endpoint.Handshakes, from);
            endpoint.Wake();
        });

    /// <summary>
    /// Cuts a link in one direction: it drops what would arrive until a time. Of several cuts the one that ends last applies.
    /// </summary>
    public void Cut(NodeId from, NodeId to, long until)
    {
        var link = LinkOf(from, to);
        link.CutUntil = Math.Max(link.CutUntil, until);
        link.DisturbUntil(until);
    }

    /// <summary>
    /// Clogs a link in one direction: what is sent from now on arrives at a given time or later. Of several clogs the one that ends last
    /// applies.
    /// </summary>
    public void Clog(NodeId from, NodeId to, long until)
    {
        var link = LinkOf(from, to);
        link.CloggedUntil = Math.Max(link.CloggedUntil, until);
        link.DisturbUntil(until);
    }

    /// <summary>
    /// Notifies a member that its connection to a peer was closed. Returns false if the member is not notified, because it is down or the
    /// link is cut.
    /// </summary>
    public bool NotifyDisconnect(NodeId peer, NodeId to)
    {
        if (!_endpoints.TryGetValue(to, out var endpoint) || IsCut(LinkOf(peer, to)))
            return false;
        LinkOf(peer, to).DisturbUntil(time.Now);
        endpoint.Enqueue(peer, null);
        return true;
    }

    /// <summary>
    /// Returns the time since which two members exchange messages undisturbed: none was lost, no link between them was cut or clogged, and
    /// no connection was closed. It may lie in the future.
    /// </summary>
    public long UndisturbedSince(NodeId a, NodeId b) => Math.Max(LinkOf(a, b).DisturbedUntil, LinkOf(b, a).DisturbedUntil);

    /// <summary>Returns the longest time from sending a message to the arrival of its reply, on links that are not disturbed.</summary>
    public long RoundTripMax(NodeId a, NodeId b)
    {
        var (min, max) = swarm.DelaysOf(a, b);
        return 2 * (_isFaultFree && !swarm.IsFar(a) && !swarm.IsFar(b) ? min : max);
    }

    /// <summary>Ends all cuts, clogs and continuous faults of the links. Stale messages that are still in flight are dropped.</summary>
    public void DisableFaults()
    {
        _isFaultFree = true;
        foreach (var link in _links.Values)
        {
            link.CutUntil = 0;
            link.CloggedUntil = 0;

            // What a clogged link holds back still arrives when it was due, and later messages after it.
            link.DisturbedUntil = Math.Min(link.DisturbedUntil, Math.Max(time.Now, link.LastArrival));
        }
    }

    private void ScheduleStaleDelivery(Link link, SimulatedPacket packet, long delay) => time.ScheduleAfter(delay, () =>
    {
        if (_isFaultFree)
            return;
        counters.Increment("message stale");
        Deliver(link, packet);
    });

    private void ScheduleDelivery(Link link, SimulatedPacket packet, long delay)
    {
        var arrival = Math.Max(time.Now + delay, link.CloggedUntil);
        if (!swarm.ReordersMessages || _isFaultFree)
            arrival = Math.Max(arrival, link.LastArrival);
        link.LastArrival = Math.Max(link.LastArrival, arrival);
        time.ScheduleAt(arrival, () => Deliver(link, packet));
    }

    private void Deliver(Link link, SimulatedPacket packet)
    {
        if (IsCut(link))
        {
            counters.Increment("message dropped by a cut link");
            return;
        }

        if (!_endpoints.TryGetValue(link.To, out var endpoint) || endpoint.DirectoryId != packet.ReceiverDirectory)
            return;
        eventLog.AddToHash((link.From.Value << 32) ^ link.To.Value ^ WireFrame.ChecksumsOf(packet.Frame));
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

        /// <summary>The time until which messages on the link are lost or held back.</summary>
        public long DisturbedUntil { get; set; }

        public void DisturbUntil(long moment) => DisturbedUntil = Math.Max(DisturbedUntil, moment);
    }
}
