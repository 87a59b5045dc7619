namespace Quorate.Verification.Simulation.Faults;

/// <summary>
/// Alters the state hash of one process, for as long as it runs, at most one member in a run. The member must be quarantined, and no other
/// member ever.
/// </summary>
internal sealed class AlteredState(SimulatedCluster cluster, Prng prng, string name) : Fault(cluster, prng, name)
{
    protected override bool IsApplicable =>
        Cluster.Members.Count > 1 && !Cluster.Swarm.ChangesMembers && Cluster.Swarm.StateHashInterval > 0;

    public override bool TryInject()
    {
        var victim = PickMember();
        var difference = Prng.Next() | 1;
        if ((Cluster.Altered is { } altered && altered != victim)
            || victim.Process is not { StateMachine: { IsAltered: false, HasStateHash: true } stateMachine } || victim.IsQuarantined)
            return false;
        Cluster.Altered = victim;
        stateMachine.AlterHash(difference);
        Cluster.EventLog.Record(victim.Id, "its state is altered");
        return true;
    }
}
