using Quorate.Verification.Simulation.Disk;

namespace Quorate.Verification.Simulation.Faults;

/// <summary>A disk is replaced by an empty one, and its member started as before. It has forgotten what it voted and acknowledged, and must not speak under its old id.</summary>
/// <remarks>Only a member that all others have met: those who have not cannot know (docs/decisions/0014).</remarks>
internal sealed class LostFolder(Cluster cluster, Dice dice, string name) : Damage(cluster, dice, name, DamageKind.Lost)
{
    protected override bool Harm(Member victim)
    {
        foreach (var other in Cluster.Members)
        {
            if (other != victim && !Cluster.Met.Contains((other.Id, victim.Id)))
                return false;
        }

        victim.LoseFolder();
        return true;
    }
}
