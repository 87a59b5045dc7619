using Quorate.Raft;

namespace Quorate.Verification.Simulation;

// The members at the end of a run in which they change: which these are is known when the last change is complete.
internal sealed partial class LivenessPhase
{
    /// <summary>
    /// Waits until no change is in progress, and until the removed members have ended that the others can answer.
    /// </summary>
    private void WaitForMembers(long within)
    {
        Configuration? last = null;
        RunUntil(
            "a leader is elected, and no change of the members is in progress", within, () => (last = CompleteConfiguration()) is not null);
        var others = _healthy.FindAll(m => !last!.IsMember(m.Id));
        _healthy.RemoveAll(others.Contains);
        _cluster.EventLog.Record(NodeId.None, "the members are", last!.ToString());
        RunUntil("the members that were removed have ended", within, () => !others.Exists(CanKnowOfItsRemoval));
    }

    /// <summary>The configuration of the leader, if it is committed and nothing is left to do in it; else null.</summary>
    private Configuration? CompleteConfiguration()
    {
        // What was requested before the end of the fault phase may be carried out now. A process that has ended carries out nothing; one
        // that is no member waits for a leader until the client gives up.
        var committed = _cluster.NewestCommitted().Configuration;
        _cluster.PendingChanges.RemoveAll(pending => pending.Outcome.IsCompleted
            || !_cluster.Members.Exists(m => m.Process == pending.Process && committed.IsMember(m.Id)));
        if (_cluster.PendingChanges.Count > 0)
            return null;
        var leader = _healthy.Where(static m => m.Process is { Core.Role: Role.Leader }).MaxBy(static m => m.Process!.Core.Term);
        if (leader?.Process is not { Core: var core } || core.ConfigurationIndex > core.CommitIndex || core.Configuration.IsJoint)
            return null;
        var configuration = core.Configuration;
        var isComplete = configuration.Details.All(member =>
                _cluster.Machine(member.Id).IsWiped || (member.Directory != DirectoryId.None && !member.PromoteWhenReady))
            && core.Followers.All(follower => configuration.IsMember(follower.Node));
        return isComplete ? configuration : null;
    }

    /// <summary>
    /// Whether a running node that is no member any more would campaign at a majority of members that know it and its removal.
    /// </summary>
    private bool CanKnowOfItsRemoval(SimulatedMachine machine)
    {
        if (machine.Process is not { Core: { Configuration: { IsEmpty: false } configuration } core } || !configuration.IsVoter(machine.Id))
            return false;
        var others = configuration.Voters.Where(id => id != machine.Id).ToArray();
        return 2 * others.Count(id => _healthy.Exists(m => m.Id == id) && _cluster.KnownPeers.Contains((id, machine.Id))) > others.Length
            && core.Role != Role.Leader;
    }
}
