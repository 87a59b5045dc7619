using Quorate.Verification.Simulation.Disk;

namespace Quorate.Verification.Simulation.Faults;

/// <summary>A disk does not keep what it was given, as far as the atlas allows. Its member must say so and end, and must not speak for what it has lost.</summary>
internal abstract class Damage(Cluster cluster, Dice dice, string name, DamageKind kind) : Fault(cluster, dice, name)
{
    protected sealed override bool Exists => Cluster.Atlas.Most > 0;

    public sealed override bool Strike()
    {
        var victim = Any();
        if (!Cluster.Atlas.Allows(victim.Id, kind) || !Harm(victim))
            return false;
        Cluster.Atlas.Mark(victim.Id, kind);
        Cluster.Chronicle.Note(victim.Id, "damage", Name);
        return true;
    }

    /// <summary>False when there is nothing to harm yet, or as long as the last harm has not come to pass.</summary>
    protected abstract bool Harm(Member victim);
}
