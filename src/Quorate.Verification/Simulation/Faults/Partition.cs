using Quorate.Raft;

namespace Quorate.Verification.Simulation.Faults;

/// <summary>Some members cannot reach some others for a while: one alone, two halves, two halves with a bridge, a ring; both ways or one.</summary>
internal sealed class Partition(Cluster cluster, Dice dice, string name) : Fault(cluster, dice, name)
{
    public override bool Strike()
    {
        var order = Cluster.Members.Select(static m => m.Id).ToList();
        Dice.Shuffle(order);

        // Whoever stands first is the one alone, or at the end of the one link.
        var first = Any().Id;
        order.Remove(first);
        order.Insert(0, first);
        var shape = Dice.Pick("one alone", "halves", "bridge", "ring", "one link");
        var oneWay = Dice.Chance(400);
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

        // One way, and which way is the same for all: so a member is deaf, or cannot be heard.
        if (oneWay && Dice.Chance(500))
            cuts = [.. cuts.Select(static c => (c.To, c.From))];
        if (cuts.Count == 0)
            return false;
        Cluster.Chronicle.Note(NodeId.None, "partition", $"{shape}{(oneWay ? ", one way" : "")}: {string.Join(' ', cuts.Select(static c => $"{c.From}→{c.To}"))}");
        Apply(cuts);
        return true;
    }

    private void Apply(List<(NodeId From, NodeId To)> cuts)
    {
        var closes = Dice.Chance(300);
        var until = Cluster.Time.Now + Dice.Between(50 * VirtualTime.Millisecond, Dice.Pick(1, 4, 12) * VirtualTime.Second);
        foreach (var (from, to) in cuts)
        {
            if (closes)
                Cluster.Network.TellClosed(from, to);
            Cluster.Network.Cut(from, to, until);
        }
    }

    /// <summary>Whether the members that stand at these places, a before b, are cut off from each other.</summary>
    private static bool Separates(string shape, int a, int b, int count) => shape switch
    {
        "one alone" => a == 0,
        "halves" => a < count / 2 && b >= count / 2,
        "bridge" => a < count / 2 && b > count / 2,
        "ring" => b - a != 1 && b - a != count - 1,
        _ => a == 0 && b == 1,
    };
}
