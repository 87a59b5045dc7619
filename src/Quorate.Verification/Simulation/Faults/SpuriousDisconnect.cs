namespace Quorate.Verification.Simulation.Faults;

/// <summary>A connection closes though nobody ended: a hint, and never a proof.</summary>
internal sealed class SpuriousDisconnect(Cluster cluster, Prng prng, string name) : Fault(cluster, prng, name)
{
    public override bool TryInject() => PickPair() is var (peer, to) && Cluster.Network.NotifyDisconnect(peer.Id, to.Id);
}
