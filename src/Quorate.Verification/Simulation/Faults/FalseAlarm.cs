namespace Quorate.Verification.Simulation.Faults;

/// <summary>A connection closes though nobody ended: a hint, and never a proof.</summary>
internal sealed class FalseAlarm(Cluster cluster, Dice dice, string name) : Fault(cluster, dice, name)
{
    protected override void Strike()
    {
        var (peer, to) = (Any().Id, Any().Id);
        if (peer != to)
            Cluster.Network.TellClosed(peer, to);
    }
}
