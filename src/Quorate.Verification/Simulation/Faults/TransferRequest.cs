using Quorate.Node;
using Quorate.Raft;

namespace Quorate.Verification.Simulation.Faults;

/// <summary>
/// Requests a transfer of the leadership, as an operator does: mostly at the leader, to a member, to a node that is none, or to whichever
/// is chosen, with more or less time.
/// </summary>
internal sealed class TransferRequest(SimulatedCluster cluster, Prng prng, string name) : Fault(cluster, prng, name)
{
    private readonly List<Task<LeadershipTransferResult>> _pending = [];

    protected override long MeanInterval => Cluster.Swarm.MemberChangeInterval;

    public override bool TryInject()
    {
        CountResults();
        var (any, isAtLeader) = (PickMember(), Prng.Chance(800));
        var (targetIsChosen, target) = (Prng.Chance(300), Cluster.Members[Prng.Next(0, Cluster.Members.Count)].Id);
        var ticks = Prng.Pick(0, 0, 1, 30);
        var at = isAtLeader ? NewestLeader() ?? any : any;
        if (at.Process is not { } process)
            return false;
        _pending.Add(process.Group.TransferLeadershipAsync(targetIsChosen ? NodeId.None : target, ticks));
        return true;
    }

    /// <summary>Counts the requests that have ended by now; that of a process that has ended never does.</summary>
    private void CountResults() => _pending.RemoveAll(task =>
    {
        if (task.IsCompletedSuccessfully)
            Cluster.Counters.Increment($"transfer: {(task.Result.Failure is { } failure ? failure.ToString() : "completed")}");
        return task.IsCompleted;
    });
}
