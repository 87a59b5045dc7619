namespace Quorate.Verification.Simulation.Faults;

/// <summary>kill -9: between two turns, or between two effects of one. What was written stays with the system, flushed or not.</summary>
internal sealed class ProcessKill(Cluster cluster, Dice dice, string name) : Fault(cluster, dice, name)
{
    protected override void Strike()
    {
        var victim = Any();
        if (Dice.Chance(500))
            victim.Kill("killed");
        else
            victim.Process?.CutAfterEffects(Dice.Next(0, 6));
    }
}
