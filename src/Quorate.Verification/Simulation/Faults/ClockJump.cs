namespace Quorate.Verification.Simulation.Faults;

/// <summary>
/// A clock leaps ahead: a virtual machine was suspended and goes on, and no time has passed for anything but its clock. What was said to it meanwhile is on its way still, so who takes
/// all of the leap for the silence of others deposes a leader that everybody hears, or is one that believes it has lost them.
/// </summary>
/// <remarks>A monotonic clock never goes back. The time of day may, and no node asks for it.</remarks>
internal sealed class ClockJump(Cluster cluster, Prng prng, string name) : Fault(cluster, prng, name)
{
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
