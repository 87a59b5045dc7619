namespace Quorate.Verification.Simulation.Faults;

/// <summary>
/// Moves a member's clock ahead, as after the suspension of a virtual machine: no time has passed for anything but the clock. The messages
/// sent to the member are still in flight. A follower that counts the whole jump as time without a message would depose a leader that is
/// well connected, and a leader that does so would conclude that it has lost its quorum.
/// </summary>
/// <remarks>A monotonic clock never goes back. The time of day may, and no node reads it.</remarks>
internal sealed class ClockJump(SimulatedCluster cluster, Prng prng, string name) : Fault(cluster, prng, name)
{
    protected override bool IsApplicable => Cluster.Leases is not { MayClocksJump: false };

    public override bool TryInject()
    {
        var victim = PickMember();
        var span = Prng.Between(10 * VirtualTime.Millisecond, Prng.Pick(1, 30, 3_600) * VirtualTime.Second);
        if (victim.Process is null)
            return false;
        victim.JumpClock(span);
        return true;
    }
}
