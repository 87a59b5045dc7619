using Quorate.Raft;

namespace Quorate.Verification.Simulation.Coverage;

/// <summary>
/// Detects which rare paths a step of a core took, from the input, the core's state before and after the step, and the effects.
/// </summary>
internal sealed class CoverageObserver(RunCounters counters)
{
    private Role _role;
    private Term _term;
    private LogIndex _commit;
    private LogIndex _durable;

    /// <summary>The highest sequence number of a proposal that this process has forwarded.</summary>
    private ulong _highestForwarded;

    /// <summary>Counts the coverage marks of a step.</summary>
    public void Observe(RaftCore core, in Input input, Effects effects)
    {
        if (core.Role != _role || core.Term != _term)
            ObserveRole(core, effects);
        if (input.Kind == InputKind.StorageHealth)
            counters.Increment(HealthCounter(core.StorageHealth));
        if (input.Kind == InputKind.Message)
            ObserveMessage(core, input.Message!, effects);
        else if (input.Kind == InputKind.Read && core.Role == Role.Leader && HasNotCommittedInTerm(core))
            counters.Increment(CoverageMark.ReadBeforeTermCommitted);
        if (effects.Trace.Count > 0)
            ObserveTrace(effects.Trace, input);
        foreach (var read in effects.EntriesRequests)
            counters.Increment(read.Peer == core.Self ? CoverageMark.StateMachineFarBehind : CoverageMark.FollowerFarBehind);
        foreach (var rejection in effects.Rejections)
            counters.Increment(RejectionCounter(rejection.Reason));
        foreach (var readResult in effects.ReadResults)
        {
            if (readResult.RejectReason == RejectReason.Busy)
                counters.Increment(CoverageMark.ReadRejectedBusy);
        }

        foreach (var message in effects.SendNow.Messages)
        {
            if (message is ReadIndexRequest)
                counters.Increment(CoverageMark.ReadForwarded);
            else if (message is ForwardProposals forward)
                ObserveSentForward(forward);
        }

        if (input.Kind == InputKind.EndOfIteration && core.Role == Role.Leader)
            ObserveFollowers(core, effects);
        (_role, _term, _commit, _durable) = (core.Role, core.Term, core.CommitIndex, core.DurableIndex);
    }

    /// <summary>Returns the name of the counter of proposals rejected for a reason.</summary>
    public static string RejectionCounter(RejectReason reason) => RejectionCounters[(int)reason];

    /// <summary>Returns the name of the counter of changes to a health of the disk.</summary>
    public static string HealthCounter(StorageHealth health) => $"disk: {health}";

    private static readonly string[] RejectionCounters =
        [.. Enumerable.Range(0, 256).Select(static i => $"proposal rejected: {(RejectReason)i}")];

    private void ObserveRole(RaftCore core, Effects effects)
    {
        switch (_role)
        {
            case Role.Leader when core.Role == Role.Follower && core.Term > _term:
                counters.Increment(CoverageMark.LeaderSawLaterTerm);
                break;
            case Role.Candidate when core.Role == Role.Follower && core.Term == _term:
                counters.Increment(CoverageMark.ElectionLost);
                break;
            case Role.Candidate when effects.Trace.Exists(static e => e.Kind == TraceKind.BecamePreCandidate):
                counters.Increment(CoverageMark.ElectionTimedOut);
                break;
        }
    }

    private void ObserveMessage(RaftCore core, Message message, Effects effects)
    {
        switch (message)
        {
            case AppendEntries append when append.Term < core.Term:
                counters.Increment(CoverageMark.AppendOfOldTerm);
                break;
            case AppendEntries { Entries.IsEmpty: false } append:
                if (append.Previous.Index < _commit)
                    counters.Increment(CoverageMark.AppendBelowCommit);
                else if (effects.Append.IsEmpty && append.LastIndex <= core.LastIndex &&
                    core.TermAt(append.LastIndex) == append.Entries.Span[^1].Term)
                    counters.Increment(CoverageMark.AppendDuplicate);
                break;
            case RequestVote request:
                ObserveVote(core, request, effects);
                break;
            case ForwardProposals forward:
                ObserveReceivedForward(core, forward, effects);
                break;
            case ReadIndexRequest when core.Role == Role.Leader && HasNotCommittedInTerm(core):
                counters.Increment(CoverageMark.ReadBeforeTermCommitted);
                break;
            case TimeoutNow:
                counters.Increment(
                    effects.Trace.Exists(static e => e.Kind == TraceKind.BecameCandidate)
                        ? CoverageMark.TransferTargetCampaigned
                        : CoverageMark.TimeoutNowIgnored);
                break;
            case ReadIndexReply { Granted: false }:
                counters.Increment(CoverageMark.ForwardedReadRejected);
                break;
        }
    }

    private void ObserveVote(RaftCore core, RequestVote request, Effects effects)
    {
        if (!effects.Trace.Exists(static e => e.Kind == TraceKind.VoteRefused))
            return;
        if (request.PreVote)
            counters.Increment(CoverageMark.PreVoteRefused);
        else if (request.Term > core.Term)
            counters.Increment(CoverageMark.VoteRefusedLeaderActive);
        else if (request.Term == core.Term && !request.LastEntry.IsAtLeastAsUpToDateAs(new EntryId(core.LastTerm, core.LastIndex)))
            counters.Increment(CoverageMark.VoteRefusedLogBehind);
        else if (request.Term == core.Term)
            counters.Increment(CoverageMark.VoteRefusedAlreadyVoted);
    }

    private void ObserveReceivedForward(RaftCore core, ForwardProposals forward, Effects effects)
    {
        if (forward.Term != core.Term)
            counters.Increment(CoverageMark.ForwardOfOtherTerm);
        else if (core.TransferTarget != NodeId.None)
            counters.Increment(CoverageMark.ForwardDuringTransfer);
        else if (core.Role == Role.Leader && effects.Append.IsEmpty &&
            effects.SendNow.Messages.Count == 0 && effects.SendWhenDurable.Messages.Count == 0)
            counters.Increment(CoverageMark.ForwardDuplicate);
    }

    private void ObserveSentForward(ForwardProposals forward)
    {
        foreach (ref readonly var proposal in forward.Proposals.Span)
        {
            if (proposal.Id.Sequence <= _highestForwarded)
                counters.Increment(CoverageMark.ForwardRetried);
            else
                _highestForwarded = proposal.Id.Sequence;
        }
    }

    private void ObserveTrace(List<TraceEvent> traceEvents, in Input input)
    {
        foreach (var e in traceEvents)
        {
            switch (e.Kind)
            {
                case TraceKind.QuorumLost:
                    counters.Increment(CoverageMark.LeaderLostQuorum);
                    break;
                case TraceKind.DiskStalled:
                    counters.Increment(CoverageMark.LeaderDiskStalled);
                    break;
                case TraceKind.DiskSlow:
                    counters.Increment(CoverageMark.LeaderDiskSlow);
                    break;
                case TraceKind.LeaderQuarantined:
                    counters.Increment(CoverageMark.LeaderQuarantined);
                    break;
                case TraceKind.TransferExpired:
                    counters.Increment(CoverageMark.TransferExpired);
                    break;
                case TraceKind.LeaderLost:
                    counters.Increment(CoverageMark.LeaderConnectionClosed);
                    break;
                case TraceKind.FollowerDiverges:
                    counters.Increment(CoverageMark.FollowerDiverges);
                    break;
                case TraceKind.Truncated:
                    counters.Increment(CoverageMark.Truncated);
                    if (e.Index <= _durable)
                        counters.Increment(CoverageMark.TruncatedDurableEntries);
                    break;
                case TraceKind.ReadConfirmed when input.Kind == InputKind.Message:
                    counters.Increment(CoverageMark.ReadConfirmedByQuorum);
                    break;
            }
        }
    }

    private void ObserveFollowers(RaftCore core, Effects effects)
    {
        if (core.CommitIndex > core.DurableIndex)
            counters.Increment(CoverageMark.CommitAheadOfOwnDisk);

        // This loop is expensive for such a rare mark, so it runs only until the mark has been counted once.
        if (effects.EntriesRequests.Count > 0 || counters.Has(CoverageMark.WindowFull))
            return;
        foreach (var (_, state, match, next) in core.Followers)
        {
            if (state == ReplicationState.Replicate && next <= core.LastIndex && next > match + 1)
                counters.Increment(CoverageMark.WindowFull);
        }
    }

    /// <summary>Returns whether the leader has not committed an entry of its term yet.</summary>
    private static bool HasNotCommittedInTerm(RaftCore core) => core.TermAt(core.CommitIndex) != core.Term;
}
