using Quorate.Raft;

namespace Quorate.Verification.Exploration;

/// <summary>The end of a walk: nothing fails any more, and the cluster must make progress.</summary>
internal sealed partial class ClusterModel
{
    /// <summary>More inputs than any cluster takes until no message is left; what exceeds it sends messages without end.</summary>
    private const int SettlingStepsMax = 20_000;

    /// <summary>Sequences of the last proposals are above those of a walk, whose budgets are bytes.</summary>
    private const int LastProposals = 256;

    /// <summary>
    /// Checks that every member follows one leader, every read and proposal completes, all logs become equal and are applied, and then a
    /// proposal of every member is committed, all within a bounded number of heartbeats and elections.
    /// </summary>
    /// <remarks>
    /// This is one fair schedule of many: disks, state machines and the network complete everything before the next timer expires, and
    /// election timeouts expire one at a time, in turns.
    /// </remarks>
    public void CheckLiveness(ClusterState state)
    {
        state = Recover(Settle(state with { Isolated = NodeId.None, Spent = default }), static _ => true, "the cluster does not recover");
        foreach (var id in _configuration.Members)
            state = Follow(state, new ClusterAction(ClusterActionKind.Propose, id, Number: LastProposals + (int)id.Value));
        Recover(
            Settle(state),
            recovered => _configuration.Members.All(id => recovered.Ghost.Committed.Any(
                entry => entry.Proposal == new ProposalId(id, LastProposals + id.Value))),
            "a proposal is not committed");
    }

    /// <summary>Lets timers expire until all members have the same state and the condition holds.</summary>
    private ClusterState Recover(ClusterState state, Func<ClusterState, bool> condition, string failure)
    {
        var voters = _configuration.Members.Where(_configuration.IsVoter).ToArray();

        // A member may need two elections: one to learn of a later term, one to win. Of the proposals that were forwarded and lost, one
        // message is sent again in each heartbeat interval, and a message has room for one command.
        var roundsMax = 4 * voters.Length + 8 + 2 * state.Members.Max(static member => member.Core.PendingProposalCount);
        for (var round = 0; !HasConverged(state) || !condition(state); round++)
        {
            if (round == roundsMax)
                throw new ViolationException("Liveness", $"{failure} within {roundsMax} heartbeats after the last fault:\n{state}");

            foreach (var id in _configuration.Members)
                state = Follow(state, new ClusterAction(ClusterActionKind.Heartbeat, id));
            state = Settle(state);
            if (!HasLeader(state))
                state = Settle(Follow(state, new ClusterAction(ClusterActionKind.Timeout, voters[round % voters.Length])));
        }

        return state;
    }

    /// <summary>Completes all work of disks and state machines, and delivers all messages, oldest first.</summary>
    private ClusterState Settle(ClusterState state)
    {
        for (var steps = 0; NextWithoutFault(state) is { } action; steps++)
        {
            if (steps == SettlingStepsMax)
                throw new ViolationException("Liveness", $"messages are still in flight after {steps} steps without a timer:\n{state}");
            state = Follow(state, action);
        }

        return state;
    }

    private static ClusterAction? NextWithoutFault(ClusterState state)
    {
        foreach (var member in state.Members)
        {
            if (member.Pending.Length > 0)
                return new ClusterAction(ClusterActionKind.FlushCompletes, member.Id, Appends: member.Pending.Length);
            if (member.Core.ApplyingIndex > member.Core.AppliedIndex)
                return new ClusterAction(ClusterActionKind.Apply, member.Id);
            if (member.Snapshots.Unnoticed != UnnoticedSnapshot.None)
                return new ClusterAction(ClusterActionKind.NoticeSnapshot, member.Id);
            if (state.Members.FirstOrDefault(peer => MayReceiveSnapshot(state, member, peer)) is { } sender)
                return new ClusterAction(ClusterActionKind.ReceiveSnapshot, member.Id, Peer: sender.Id);
        }

        if (state.Network is not [var oldest, ..])
            return null;

        // Without a leader, every member has not received from one for an election timeout by the time the next election begins.
        var kind = oldest.Message is RequestVote && !HasLeader(state)
            ? ClusterActionKind.DeliverAfterLeaderTimeout
            : ClusterActionKind.Deliver;
        return new ClusterAction(kind, oldest.Message.To, oldest);
    }

    private ClusterState Follow(ClusterState state, ClusterAction action)
    {
        state = Next(state, action)!;
        Check(state);
        return state;
    }

    private static bool HasLeader(ClusterState state) => state.Members.Any(static member => member.Core.Role == Role.Leader);

    private static bool HasConverged(ClusterState state)
    {
        var leader = state.Members.FirstOrDefault(static member => member.Core.Role == Role.Leader)?.Core;
        return leader is not null && state.Ghost.Reads.IsEmpty && state.Members.All(member =>
            member.Core.Leader == leader.Self && member.Core.Term == leader.Term && member.Core.LastIndex == leader.LastIndex
            && member.Core.AppliedIndex == leader.LastIndex && member.Disk.LastIndex == leader.LastIndex
            && member.Core.PendingProposalCount == 0);
    }
}
