namespace Quorate.Verification.Simulation.Faults;

/// <summary>A connection closes though nobody ended: a hint, and never a proof.</summary>
internal sealed class FalseAlarm(Cluster cluster, Dice dice, string name) : Fault(cluster, dice, name)
{
    public override bool Strike() => AnyTwo() is var (peer, to) && Cluster.Network.TellClosed(peer.Id, to.Id);
}
