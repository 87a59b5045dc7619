namespace Quorate.Verification.Simulation.Faults;

/// <summary>
/// A clock leaps ahead: a virtual machine was suspended and goes on, and no time has passed for anything but its clock. What was said to it meanwhile is on its way still, so who takes
/// all of the leap for the silence of others deposes a leader that everybody hears, or is one that believes it has lost them.
/// </summary>
/// <remarks>A monotonic clock never goes back. The time of day may, and no node asks for it.</remarks>
internal sealed class ClockJump(Cluster cluster, Dice dice, string name) : Fault(cluster, dice, name)
{
    public override bool Strike()
    {
        var victim = Any();
        var span = Dice.Between(10 * VirtualTime.Millisecond, Dice.Pick(1, 30, 3_600) * VirtualTime.Second);
        if (victim.Process is null)
            return false;
        victim.LeapAhead(span);
        return true;
    }
}
