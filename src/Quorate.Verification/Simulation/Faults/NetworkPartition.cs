using Quorate.Raft;

namespace Quorate.Verification.Simulation.Faults;

/// <summary>
/// Cuts links between members for a while: one member alone, two halves, two halves with a bridge, a ring, or one link; in both directions
/// or one.
/// </summary>
internal sealed class NetworkPartition(SimulatedCluster cluster, Prng prng, string name) : Fault(cluster, prng, name)
{
    public override bool TryInject()
    {
        var order = Cluster.Members.Select(static m => m.Id).ToList();
        Prng.Shuffle(order);

        // The first member in the order is the isolated one, or one end of the single cut link.
        var first = PickMember().Id;
        order.Remove(first);
        order.Insert(0, first);
        var shape = Prng.Pick("one alone", "halves", "bridge", "ring", "one link");
        var oneWay = Prng.Chance(400);
        var cuts = new List<(NodeId From, NodeId To)>();
        for (var a = 0; a < order.Count; a++)
        {
            for (var b = a + 1; b < order.Count; b++)
            {
                if (!Separates(shape, a, b, order.Count))
                    continue;
                cuts.Add((order[a], order[b]));
                if (!oneWay)
                    cuts.Add((order[b], order[a]));
            }
        }

        // In one-way partitions all cuts have the same direction, so that a member cannot receive, or cannot send.
        if (oneWay && Prng.Chance(500))
            cuts = [.. cuts.Select(static c => (c.To, c.From))];
        if (cuts.Count == 0)
            return false;
        var links = string.Join(' ', cuts.Select(static c => $"{c.From}→{c.To}"));
        Cluster.EventLog.Record(NodeId.None, "partition", $"{shape}{(oneWay ? ", one way" : "")}: {links}");
        Apply(cuts);
        return true;
    }

    private void Apply(List<(NodeId From, NodeId To)> cuts)
    {
        var closes = Prng.Chance(300);
        var until = Cluster.Time.Now + Prng.Between(50 * VirtualTime.Millisecond, Prng.Pick(1, 4, 12) * VirtualTime.Second);
        foreach (var (from, to) in cuts)
        {
            if (closes)
                Cluster.Network.NotifyDisconnect(from, to);
            Cluster.Network.Cut(from, to, until);
        }
    }

    /// <summary>Returns whether the members at the positions a and b of the order, a before b, are separated.</summary>
    private static bool Separates(string shape, int a, int b, int count) => shape switch
    {
        "one alone" => a == 0,
        "halves" => a < count / 2 && b >= count / 2,
        "bridge" => a < count / 2 && b > count / 2,
        "ring" => b - a != 1 && b - a != count - 1,
        _ => a == 0 && b == 1,
    };
}
