namespace Quorate.Verification.Simulation.Faults;

/// <summary>Nothing of a process runs for a while: a collector, a stopped process, a suspended machine. Its clock goes on.</summary>
internal sealed class Pause(Cluster cluster, Prng prng, string name) : Fault(cluster, prng, name)
{
    public override bool TryInject()
    {
        var member = PickMember();
        if (member.Process is null)
            return false;
        member.Pause(Cluster.Time.Now + Prng.Between(VirtualTime.Millisecond, Prng.Pick(1, 8) * VirtualTime.Second));
        return true;
    }
}
