using Quorate.Raft;

namespace Quorate.Verification.Simulation.Coverage;

/// <summary>Sees in one step of a core which rare paths it went through: from what came in, what the core was and is, and what follows.</summary>
internal sealed class MarksOfAStep(Tally tally)
{
    private Role _role;
    private Term _term;
    private LogIndex _commit;
    private LogIndex _durable;

    /// <summary>The highest number that this process has given to a leader.</summary>
    private ulong _forwarded;

    /// <summary>Looks at a step.</summary>
    public void Look(RaftCore core, in Input input, Effects effects)
    {
        if (core.Role != _role || core.Term != _term)
            LookAtRole(core, effects);
        if (input.Kind == InputKind.Message)
            LookAtMessage(core, input.Message!, effects);
        else if (input.Kind == InputKind.Read && core.Role == Role.Leader && IsNewToItsTerm(core))
            tally.Add(Mark.ReadBeforeTermCommitted);
        if (effects.Trace.Count > 0)
            LookAtTrace(effects.Trace, input);
        foreach (var read in effects.EntriesRequests)
            tally.Add(read.Peer == core.Self ? Mark.MachineFarBehind : Mark.FollowerFarBehind);
        foreach (var rejection in effects.Rejections)
            tally.Add(Refused(rejection.Reason));
        foreach (var answer in effects.ReadResults)
        {
            if (answer.RejectReason == RejectReason.Busy)
                tally.Add(Mark.ReadRefusedBusy);
        }

        foreach (var message in effects.SendNow.Messages)
        {
            if (message is ReadIndexRequest)
                tally.Add(Mark.ReadForwarded);
            else if (message is ForwardProposals forward)
                LookAtForwards(forward);
        }

        if (input.Kind == InputKind.EndOfIteration && core.Role == Role.Leader)
            LookAtFollowers(core, effects);
        (_role, _term, _commit, _durable) = (core.Role, core.Term, core.CommitIndex, core.DurableIndex);
    }

    /// <summary>The count of a reason for which proposals were refused.</summary>
    public static string Refused(RejectReason reason) => RefusedFor[(int)reason];

    private static readonly string[] RefusedFor = [.. Enumerable.Range(0, 256).Select(static i => $"refused: {(RejectReason)i}")];

    private void LookAtRole(RaftCore core, Effects effects)
    {
        switch (_role)
        {
            case Role.Leader when core.Role == Role.Follower && core.Term > _term:
                tally.Add(Mark.LeaderOfThePast);
                break;
            case Role.Candidate when core.Role == Role.Follower && core.Term == _term:
                tally.Add(Mark.ElectionLost);
                break;
            case Role.Candidate when effects.Trace.Exists(static e => e.Kind == TraceKind.BecamePreCandidate):
                tally.Add(Mark.ElectionTimedOut);
                break;
        }
    }

    private void LookAtMessage(RaftCore core, Message message, Effects effects)
    {
        switch (message)
        {
            case AppendEntries append when append.Term < core.Term:
                tally.Add(Mark.AppendOfThePast);
                break;
            case AppendEntries { Entries.IsEmpty: false } append:
                if (append.Previous.Index < _commit)
                    tally.Add(Mark.AppendBelowCommit);
                else if (effects.Append.IsEmpty && append.LastIndex <= core.LastIndex && core.TermAt(append.LastIndex) == append.Entries.Span[^1].Term)
                    tally.Add(Mark.AppendRepeated);
                break;
            case RequestVote request:
                LookAtVote(core, request, effects);
                break;
            case ForwardProposals forward:
                LookAtForwarded(core, forward, effects);
                break;
            case ReadIndexRequest when core.Role == Role.Leader && IsNewToItsTerm(core):
                tally.Add(Mark.ReadBeforeTermCommitted);
                break;
            case ReadIndexReply { Granted: false }:
                tally.Add(Mark.ReadForwardedRefused);
                break;
        }
    }

    private void LookAtVote(RaftCore core, RequestVote request, Effects effects)
    {
        if (!effects.Trace.Exists(static e => e.Kind == TraceKind.VoteRefused))
            return;
        if (request.PreVote)
            tally.Add(Mark.PreVoteRefused);
        else if (request.Term > core.Term)
            tally.Add(Mark.VoteRefusedLeaderHeard);
        else if (request.Term == core.Term && !request.LastEntry.IsAtLeastAsUpToDateAs(new EntryId(core.LastTerm, core.LastIndex)))
            tally.Add(Mark.VoteRefusedLogBehind);
        else if (request.Term == core.Term)
            tally.Add(Mark.VoteRefusedTaken);
    }

    private void LookAtForwarded(RaftCore core, ForwardProposals forward, Effects effects)
    {
        if (forward.Term != core.Term)
            tally.Add(Mark.ForwardedTooLate);
        else if (core.Role == Role.Leader && effects.Append.IsEmpty && effects.SendNow.Messages.Count == 0 && effects.SendWhenDurable.Messages.Count == 0)
            tally.Add(Mark.ForwardedTwice);
    }

    private void LookAtForwards(ForwardProposals forward)
    {
        foreach (ref readonly var proposal in forward.Proposals.Span)
        {
            if (proposal.Id.Sequence <= _forwarded)
                tally.Add(Mark.ForwardedAgain);
            else
                _forwarded = proposal.Id.Sequence;
        }
    }

    private void LookAtTrace(List<TraceEvent> happened, in Input input)
    {
        foreach (var e in happened)
        {
            switch (e.Kind)
            {
                case TraceKind.QuorumLost:
                    tally.Add(Mark.LeaderLostQuorum);
                    break;
                case TraceKind.DiskStalled:
                    tally.Add(Mark.LeaderDiskStalled);
                    break;
                case TraceKind.LeaderLost:
                    tally.Add(Mark.LeaderConnectionClosed);
                    break;
                case TraceKind.FollowerDiverges:
                    tally.Add(Mark.FollowerDiverges);
                    break;
                case TraceKind.Truncated:
                    tally.Add(Mark.Truncated);
                    if (e.Index <= _durable)
                        tally.Add(Mark.TruncatedWhatWasDurable);
                    break;
                case TraceKind.ReadConfirmed when input.Kind == InputKind.Message:
                    tally.Add(Mark.ReadConfirmedByOthers);
                    break;
            }
        }
    }

    private void LookAtFollowers(RaftCore core, Effects effects)
    {
        if (core.CommitIndex > core.DurableIndex)
            tally.Add(Mark.CommitAheadOfOwnDisk);

        // Dear, for what is so rare: looked at until it was seen.
        if (effects.EntriesRequests.Count > 0 || tally.Has(Mark.WindowFull))
            return;
        foreach (var (_, state, match, next) in core.Followers)
        {
            if (state == ReplicationState.Replicate && next <= core.LastIndex && next > match + 1)
                tally.Add(Mark.WindowFull);
        }
    }

    /// <summary>The leader knows of no committed entry of its term yet.</summary>
    private static bool IsNewToItsTerm(RaftCore core) => core.TermAt(core.CommitIndex) != core.Term;
}
