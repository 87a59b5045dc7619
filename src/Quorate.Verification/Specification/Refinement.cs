using Quorate.Raft;

namespace Quorate.Verification.Specification;

/// <summary>
/// Checks that each step of the real cores of a cluster is zero or more steps of the specification, and that the cores send and write only
/// what the specification allows.
/// </summary>
/// <remarks>
/// <para>
/// Nothing is searched: the input and the effects of a step determine the actions. Each action must be enabled, which depends on the whole
/// cluster; a leader's commit, for instance, depends on which servers have acknowledged. After the actions, the real core and the
/// specification's server must have the same state, and the specification must have sent every message that the core sent. The simulator
/// follows one path. The explorer follows many, and sets <see cref="State"/> to the state where each step starts.
/// </para>
/// <para>
/// In the specification, reads with the same required index are identical and have no numbers. Therefore each read of a real core is also
/// checked by its own number, from the member where it was requested to the member where it completed, which is the same one.
/// </para>
/// </remarks>
internal sealed class Refinement
{
    private readonly QuorateRaftSpecification _raft;
    private readonly Dictionary<NodeId, int> _servers = [];

    private SpecificationState _state;

    /// <summary>
    /// For each server, the least index of each of its pending reads. Null once <see cref="State"/> has been set: the explorer, which
    /// follows many paths, keeps its own record of reads (<see cref="Exploration.GhostState"/>).
    /// </summary>
    private Dictionary<ulong, int>[]? _openReads;

    public Refinement(Configuration configuration)
    {
        foreach (var member in configuration.Members)
            _servers.Add(member, _servers.Count);
        var voters = default(ServerSet);
        foreach (var voter in configuration.Voters)
            voters = voters.With(_servers[voter]);
        _raft = new QuorateRaftSpecification(
            new SpecConstants { Servers = _servers.Count, InitialVoters = voters, PreVote = true, MaxWrites = int.MaxValue });
        _openReads = [.. _servers.Select(static _ => new Dictionary<ulong, int>())];
        _state = _raft.Init();
    }

    /// <summary>The current state of the specification.</summary>
    public SpecificationState State
    {
        get => _state;
        set => (_state, _openReads) = (value, null);
    }

    /// <summary>A core starts from the contents of its disk.</summary>
    /// <exception cref="ViolationException">No crash can leave such contents.</exception>
    public void OnStart(RaftCore core)
    {
        var i = _servers[core.Self];
        _openReads?[i].Clear();
        FollowUnnoticedSnapshot(core, i);
        var server = State.Servers[i];
        for (var write = 0; write <= server.Writes.Length; write++)
        {
            foreach (var log in QuorateRaftSpecification.SurvivingLogs(server, write))
            {
                if (log.Length != Number(core.LastIndex) || log.Last.Term != Number(core.LastTerm))
                    continue;
                for (var hard = write; hard <= server.Writes.Length; hard++)
                {
                    if (QuorateRaftSpecification.Restart(State, i, hard, write, log, Number(core.CommitIndex)) is { } restarted
                        && restarted.Servers[i].Term == Number(core.Term) && restarted.Servers[i].Vote == ServerOf(core.VotedFor))
                    {
                        _state = restarted;
                        return;
                    }
                }
            }
        }

        throw Violation(core, "Restart", "no crash leaves the state that it starts from");
    }

    /// <summary>A core has taken a step.</summary>
    /// <exception cref="ViolationException">The specification has no such step.</exception>
    public void OnStep(RaftCore core, in Input input, Effects effects)
    {
        var i = _servers[core.Self];
        if (input.Kind == InputKind.Durable)
            FollowDurable(core, i, input.Number);
        FollowTerm(core, i, input, effects);
        if (input.Kind == InputKind.Message)
            FollowMessage(core, i, input.Message!, effects);
        FollowSnapshots(core, i, input, effects);
        FollowLeaderActions(core, i);
        FollowTransfer(core, i, effects);
        FollowReads(core, i, input, effects);
        CheckReads(core, i, input, effects);
        if (core.Role == Role.Follower && State.Servers[i].Role != Role.Follower)
            Take(core, nameof(QuorateRaftSpecification.BecomeFollower), QuorateRaftSpecification.BecomeFollower(State, i));

        AssignWriteTokens(core, i, effects);
        CheckStatesMatch(core, i, effects);
        foreach (var message in effects.SendNow.Messages)
            CheckSent(core, message, token: 0);
        foreach (var message in effects.SendWhenDurable.Messages)
            CheckSent(core, message, effects.SendWhenDurable.Token);
    }

    /// <summary>Checks a message that a core sends at once (token 0), or when the append with the token is durable.</summary>
    /// <exception cref="ViolationException">The specification sends no such message.</exception>
    public void CheckSent(RaftCore core, Message message, ulong token)
    {
        var i = _servers[core.Self];
        switch (message)
        {
            case AppendEntries append:
                CheckIsPartOf(State.TermLogOf(Number(append.Term)), core, append);
                break;
            case RequestVote request:
                CheckSent(core, i, ToSpecMessage(request), token);
                break;
            case RequestVoteReply { Granted: true } reply:
                var kind = reply.PreVote ? SpecMessageKind.PreVote : SpecMessageKind.Vote;
                CheckSent(core, i, new SpecMessage(kind, i, ServerOf(reply.To), Number(reply.Term), 0, 0), token);
                break;
            case AppendEntriesReply reply:
                if (reply is { Accepted: true, Index.Value: > 0 })
                    CheckSent(core, i, SpecMessage.Ack(i, Number(reply.Term), Number(reply.Index)), token);
                if (reply.Round > 0)
                    CheckSent(core, i, SpecMessage.Echo(i, Number(reply.Term), (int)reply.Round), token);
                break;

            // Messages that decision 0015 leaves out. Rejections only move a server into a later term, and that is TryAdoptTerm.
            case RequestVoteReply:
            // The proposer of an entry is not modelled; the simulator checks the outcomes of proposals.
            case ForwardProposals or RejectProposals:
            // A read through a follower is a read at the leader. Grants are checked where the leader grants (FollowReads) and where the
            // read completes (CheckReads).
            case ReadIndexRequest or ReadIndexReply:
            // Parts of snapshot files, and hashes of states, are sent by the driver.
            case FetchSnapshot or FetchSnapshotReply or StateHashReport:
                break;
            case TimeoutNow timeoutNow:
                CheckSent(core, i, ToSpecMessage(timeoutNow), token);
                break;
            default:
                throw Violation(core, "Send", $"it sends {message}, and the specification has no such kind of message");
        }
    }

    private void FollowDurable(RaftCore core, int i, ulong token)
    {
        var writes = State.Servers[i].Writes.Count(write => write.Token <= token);
        if (writes > 0)
            Take(core, nameof(QuorateRaftSpecification.OnDurable), QuorateRaftSpecification.OnDurable(State, i, writes));
    }

    private void FollowTerm(RaftCore core, int i, in Input input, Effects effects)
    {
        var server = State.Servers[i];
        if (input is { Kind: InputKind.Message, Message: TimeoutNow timeoutNow } && Number(core.Term) == server.Term + 1)
        {
            var specRequest = ToSpecMessage(timeoutNow);
            if (!State.Messages.Contains(specRequest))
                throw Violation(core, nameof(QuorateRaftSpecification.OnTimeoutNow), $"{specRequest} was never sent");
            Take(core, nameof(QuorateRaftSpecification.OnTimeoutNow), _raft.OnTimeoutNow(State, i, specRequest));
            return;
        }

        var becomesCandidate = Number(core.Term) == server.Term + 1 && core.Role == Role.Candidate;
        var repeatsPreVote = server.Role == Role.PreCandidate && FirstSent<RequestVote>(effects) is { PreVote: true };
        if (repeatsPreVote || ((becomesCandidate || core.Role == Role.PreCandidate) && server.Role != Role.PreCandidate))
            Take(core, nameof(QuorateRaftSpecification.BecomePreCandidate), _raft.BecomePreCandidate(State, i));
        if (becomesCandidate)
            Take(core, nameof(QuorateRaftSpecification.BecomeCandidate), _raft.BecomeCandidate(State, i));
        else if (Number(core.Term) > server.Term)
            Take(core, nameof(QuorateRaftSpecification.TryAdoptTerm), _raft.TryAdoptTerm(State, i, Number(core.Term)));
    }

    private void FollowMessage(RaftCore core, int i, Message message, Effects effects)
    {
        if (message is AppendEntries append && append.Term == core.Term)
        {
            // A core whose disk is slow sends no second reply while one waits for the disk; then the specification decides whether the
            // message is accepted.
            var reply = FirstSent<AppendEntriesReply>(effects);
            var (previous, last) = (Number(append.Previous.Index), Number(append.LastIndex));

            // The leader does not know what this server has; the server reports what it knows to be committed, as after a heartbeat there.
            if (append.NeedsSnapshot && last < State.Servers[i].Commit && reply is { Accepted: true })
                previous = last = State.Servers[i].Commit;
            var next = _raft.OnAppendEntries(State, i, previous, last, Number(append.LeaderCommit));
            if (reply is { Accepted: true } || (reply is null && next is not null))
                Take(core, nameof(QuorateRaftSpecification.OnAppendEntries), next);

            if (append.Round > 0)
                Take(core, nameof(QuorateRaftSpecification.AnswerRound), QuorateRaftSpecification.AnswerRound(State, i, (int)append.Round));
        }
        else if (message is RequestVote request && FirstSent<RequestVoteReply>(effects) is { Granted: true })
        {
            var specRequest = ToSpecMessage(request);
            if (!State.Messages.Any(specRequest.IsImpliedBy))
                throw Violation(core, nameof(QuorateRaftSpecification.OnRequestVote), $"{specRequest} was never sent");
            Take(core, nameof(QuorateRaftSpecification.OnRequestVote), _raft.OnRequestVote(State, i, specRequest));
        }
    }

    /// <summary>
    /// A process ended after a snapshot was durable on its disk and before its core was notified of it, or the core had no use for it.
    /// </summary>
    private void FollowUnnoticedSnapshot(RaftCore core, int i)
    {
        var index = Number(core.SnapshotIndex);
        if (index <= State.Servers[i].Snapshot)
            return;
        if (index <= State.Servers[i].Commit)
        {
            Take(core, nameof(QuorateRaftSpecification.TakeSnapshot), QuorateRaftSpecification.TakeSnapshot(State, i, index));
            return;
        }

        if (State.Servers[i].Role != Role.Follower)
            Take(core, nameof(QuorateRaftSpecification.BecomeFollower), QuorateRaftSpecification.BecomeFollower(State, i));
        var term = core.TermAt(core.SnapshotIndex) ?? Term.Zero;
        if (Number(term) > State.Servers[i].Term)
            Take(core, nameof(QuorateRaftSpecification.TryAdoptTerm), _raft.TryAdoptTerm(State, i, Number(term)));
        Install(core, i, new SpecSnapshot(Number(term), index));
    }

    private void FollowSnapshots(RaftCore core, int i, in Input input, Effects effects)
    {
        if (input.Kind == InputKind.SnapshotSaved && Number(input.Snapshot.Index) > State.Servers[i].Snapshot)
        {
            Take(
                core, nameof(QuorateRaftSpecification.TakeSnapshot),
                QuorateRaftSpecification.TakeSnapshot(State, i, Number(input.Snapshot.Index)));
        }

        if (effects.RestoreSnapshot is { } last)
            Install(core, i, new SpecSnapshot(Number(last.Term), Number(last.Index)));
        if (effects.CompactTo > core.SnapshotIndex)
            throw Violation(core, "Compact", $"it drops the entries up to {effects.CompactTo}, and its snapshot ends before");
    }

    /// <summary>The snapshot may have been sent before the core of the server that took it was notified of it.</summary>
    private void Install(RaftCore core, int i, SpecSnapshot snapshot)
    {
        for (var j = 0; j < State.Servers.Length && !State.Snapshots.Contains(snapshot); j++)
        {
            if (State.Servers[j].Log.TermAt(snapshot.Index) == snapshot.Term)
                _state = QuorateRaftSpecification.TakeSnapshot(State, j, snapshot.Index) ?? State;
        }

        Take(core, nameof(QuorateRaftSpecification.InstallSnapshot), _raft.InstallSnapshot(State, i, snapshot));
    }

    private void FollowTransfer(RaftCore core, int i, Effects effects)
    {
        if (FirstSent<TimeoutNow>(effects) is { } sent)
        {
            Take(
                core, nameof(QuorateRaftSpecification.ContinueTransfer),
                QuorateRaftSpecification.ContinueTransfer(State, i, ServerOf(sent.To)));
        }
    }

    private void FollowLeaderActions(RaftCore core, int i)
    {
        if (core.Role != Role.Leader)
            return;
        if (State.Servers[i].Role != Role.Leader)
        {
            Take(core, nameof(QuorateRaftSpecification.BecomeLeader), _raft.BecomeLeader(State, i));

            // Reads that it had forwarded, or wanted to forward, to another leader become its own.
            Take(core, nameof(QuorateRaftSpecification.OnRead), QuorateRaftSpecification.OnRead(State, i));
        }

        while (State.Servers[i].Log.Length < Number(core.LastIndex))
            Take(core, nameof(QuorateRaftSpecification.OnPropose), _raft.OnPropose(State, i));
        if (State.Servers[i].Commit < Number(core.CommitIndex))
            Take(core, nameof(QuorateRaftSpecification.AdvanceCommit), _raft.AdvanceCommit(State, i, Number(core.CommitIndex)));
    }

    private void FollowReads(RaftCore core, int i, in Input input, Effects effects)
    {
        if (core.Role != Role.Leader)
            return;
        if (input.Kind == InputKind.Read || input is { Kind: InputKind.Message, Message: ReadIndexRequest })
            Take(core, nameof(QuorateRaftSpecification.OnRead), QuorateRaftSpecification.OnRead(State, i));

        var granted = GrantedIndexes(effects);
        var startsRound = effects.SendNow.Messages.Any(m => m is AppendEntries append && (int)append.Round > State.Servers[i].Round);
        if (startsRound || (granted.Count > 0 && State.Servers[i].Reads.All(static r => r.Round == 0)))
            Take(core, nameof(QuorateRaftSpecification.StartReadRound), QuorateRaftSpecification.StartReadRound(State, i));
        if (granted.Count == 0)
            return;

        Take(core, nameof(QuorateRaftSpecification.ConfirmReads), _raft.ConfirmReads(State, i));
        foreach (var index in granted)
        {
            if (!State.Granted.Any(read => read.Index == index && read.Index >= read.Needed))
                throw Violation(
                    core,
                    "NoStaleRead",
                    $"a read is granted at {index}; the specification grants {string.Join(", ", State.Granted)}");
        }

        _state = State with { Granted = [] };
    }

    /// <summary>
    /// Checks that each read of this node completes once; a granted one at an index that includes everything committed anywhere when it was
    /// requested. The grant comes from a round of this node as leader, or from the leader's reply.
    /// </summary>
    private void CheckReads(RaftCore core, int i, in Input input, Effects effects)
    {
        LogIndex? grantedByLeader =
            input is { Kind: InputKind.Message, Message: ReadIndexReply { Granted: true } reply } ? reply.Index : null;
        foreach (var result in effects.ReadResults)
        {
            if (result.RejectReason is null && core.Role != Role.Leader && result.Index != grantedByLeader)
                throw Violation(
                    core, "ConfirmReads", $"read {result.Ticket} is granted at {result.Index}, and no leader has granted that");
        }

        if (_openReads?[i] is not { } openReads)
            return;
        if (input.Kind == InputKind.Read)
            openReads.Add(input.Number, State.TermLogs.Max(static termLog => termLog.Commit));
        foreach (var result in effects.ReadResults)
        {
            if (!openReads.Remove(result.Ticket, out var needed))
                throw Violation(core, "OneReadResult", $"read {result.Ticket} completes, but is not pending");
            if (result.RejectReason is null && Number(result.Index) < needed)
                throw Violation(
                    core,
                    "NoStaleRead",
                    $"read {result.Ticket} is granted at {result.Index}, but {needed} was committed when it was requested");
        }
    }

    /// <summary>Gives the writes of this step the token of the append that the core emits.</summary>
    private void AssignWriteTokens(RaftCore core, int i, Effects effects)
    {
        var server = State.Servers[i];
        var hasNoNewWrite = server.Writes.IsEmpty || server.Writes[^1].Token != 0;
        if (hasNoNewWrite != effects.Append.IsEmpty)
        {
            throw Violation(
                core,
                "Write",
                hasNoNewWrite ? $"it writes {effects.Append}, but no durable state has changed" : "its state has changed without a write");
        }
        if (hasNoNewWrite)
            return;
        var token = effects.Append.Token;
        _state = State.With(
            i, server with { Writes = [.. server.Writes.Select(write => write.Token == 0 ? write with { Token = token } : write)] });
    }

    private void CheckStatesMatch(RaftCore core, int i, Effects effects)
    {
        var server = State.Servers[i];
        var real = (
            core.Role,
            Number(core.Term),
            ServerOf(core.VotedFor),
            Number(core.LastIndex),
            Number(core.LastTerm),
            Number(core.CommitIndex));
        var specified = (server.Role, server.Term, server.Vote, server.Log.Length, server.Log.Last.Term, server.Commit);
        if (real != specified)
            throw Violation(core, "State", $"the core's state is {real}");

        // A snapshot is on the disk before the core is notified of it.
        if (Number(core.SnapshotIndex) > server.Snapshot)
            throw Violation(core, "Snapshot", $"it considers the entries up to {core.SnapshotIndex} to be in a durable snapshot");
        if (Number(core.DurableIndex) > server.Durable)
            throw Violation(core, "Durable", $"it considers the entries up to {core.DurableIndex} durable");
        foreach (ref readonly var entry in effects.Append.Entries.Span)
        {
            if (server.Log.TermAt(Number(entry.Index)) != Number(entry.Term))
                throw Violation(core, "Write", $"it writes {entry.Id}, which is not in the specification's log");
        }
    }

    private void CheckSent(RaftCore core, int i, SpecMessage sent, ulong token)
    {
        var isSent = State.Messages.Any(sent.IsImpliedBy)
            || State.Servers[i].Writes.Any(write => write.Token <= token && write.Messages.Any(sent.IsImpliedBy));
        if (!isSent)
            throw Violation(core, "Send", $"it sends {sent}{(token == 0 ? " at once" : $" when append {token} is durable")}");
    }

    private void CheckIsPartOf(SpecTermLog termLog, RaftCore core, AppendEntries append)
    {
        var (previous, last) = (Number(append.Previous.Index), Number(append.LastIndex));
        var isPart = termLog.Leaders.Contains(_servers[core.Self])
            && last <= termLog.Log.Length
            && Number(append.LeaderCommit) <= termLog.Commit
            && (int)append.Round <= termLog.Round
            && termLog.Log.TermAt(previous) == Number(append.Previous.Term);
        foreach (ref readonly var entry in append.Entries.Span)
            isPart &= termLog.Log.TermAt(Number(entry.Index)) == Number(entry.Term);
        if (!isPart)
            throw Violation(core, "Send", $"it sends {append}, which is not a piece of {termLog}");
    }

    private void Take(RaftCore core, string action, SpecificationState? next) =>
        _state = next ?? throw Violation(core, action, "which is not enabled");

    private ViolationException Violation(RaftCore core, string action, string reason) =>
        new(
            "Refinement",
            $"{core.Self} takes a step that the specification does not allow: {action}, {reason}\n{CoreState.Of(core)}\n{State}");

    private SpecMessage ToSpecMessage(RequestVote request) =>
        new(
            request.PreVote ? SpecMessageKind.RequestPreVote : SpecMessageKind.RequestVote,
            ServerOf(request.From),
            SpecServer.None,
            Number(request.Term),
            Number(request.LastEntry.Index),
            Number(request.LastEntry.Term));

    private SpecMessage ToSpecMessage(TimeoutNow message) =>
        SpecMessage.TimeoutNow(ServerOf(message.From), ServerOf(message.To), Number(message.Term), Number(message.LastIndex));

    private static T? FirstSent<T>(Effects effects)
        where T : Message
        => effects.SendNow.Messages.OfType<T>().FirstOrDefault() ?? effects.SendWhenDurable.Messages.OfType<T>().FirstOrDefault();

    private static List<int> GrantedIndexes(Effects effects)
    {
        var granted = new List<int>();
        foreach (var result in effects.ReadResults)
        {
            if (result.RejectReason is null)
                granted.Add(Number(result.Index));
        }

        foreach (var message in effects.SendNow.Messages.Concat(effects.SendWhenDurable.Messages))
        {
            if (message is ReadIndexReply { Granted: true } reply)
                granted.Add(Number(reply.Index));
        }

        return granted;
    }

    private int ServerOf(NodeId node) => node == NodeId.None ? SpecServer.None : _servers[node];

    private static int Number(Term term) => checked((int)term.Value);

    private static int Number(LogIndex index) => checked((int)index.Value);
}
