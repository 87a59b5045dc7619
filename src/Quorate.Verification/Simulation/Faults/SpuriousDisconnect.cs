namespace Quorate.Verification.Simulation.Faults;

/// <summary>Closes a connection although neither process ended: a disconnect is a hint that a peer is down, never a proof.</summary>
internal sealed class SpuriousDisconnect(SimulatedCluster cluster, Prng prng, string name) : Fault(cluster, prng, name)
{
    public override bool TryInject() => PickPair() is var (peer, to) && Cluster.Network.NotifyDisconnect(peer.Id, to.Id);
}
