using Quorate.Raft;

namespace Quorate.Verification.Specification;

/// <summary>
/// Goes beside a cluster of real cores and shows that each of their steps is a step of the specification, or several, or none; and that they say and write nothing that it
/// does not let them.
/// </summary>
/// <remarks>
/// It does not search: what came in and what followed name the actions. Each must be enabled, which looks at the whole cluster: a leader's commit, for instance, at who has
/// acknowledged. Afterwards the real core and the specification's server must be the same, and every message must be one that was said there.
/// The simulator goes one way and the specification beside it; the explorer goes many, and puts it back to where each begins.
///
/// In the specification reads that need the same are one, and know no names. So each read of a real core is held to what it needs by its own number as well, from the member where it is
/// asked to the member where it is answered, and that is the same one.
/// </remarks>
internal sealed class Refinement
{
    private readonly QuorateRaft _raft;
    private readonly Dictionary<NodeId, int> _servers = [];

    private SpecificationState _state;

    /// <summary>Of each server, the least index that each of its open reads must show. Null once it was put back: who goes many ways keeps an own account of reads (Exploring/Promises).</summary>
    private Dictionary<ulong, int>[]? _openReads;

    public Refinement(Configuration configuration)
    {
        foreach (var member in configuration.Members)
            _servers.Add(member, _servers.Count);
        var voters = default(ServerSet);
        foreach (var voter in configuration.Voters)
            voters = voters.With(_servers[voter]);
        _raft = new QuorateRaft(new Constants { Servers = _servers.Count, InitialVoters = voters, PreVote = true, MaxWrites = int.MaxValue });
        _openReads = [.. _servers.Select(static _ => new Dictionary<ulong, int>())];
        _state = _raft.Initial();
    }

    /// <summary>Where the specification stands.</summary>
    public SpecificationState State
    {
        get => _state;
        set => (_state, _openReads) = (value, null);
    }

    /// <summary>A core was made of what a disk holds.</summary>
    /// <exception cref="ViolationException">No crash leaves that.</exception>
    public void Started(RaftCore core)
    {
        var i = _servers[core.Self];
        var server = State.Servers[i];
        _openReads?[i].Clear();
        for (var write = 0; write <= server.Writes.Length; write++)
        {
            foreach (var log in QuorateRaft.SurvivingLogs(server, write))
            {
                if (log.Length != Number(core.LastIndex) || log.Last.Term != Number(core.LastTerm))
                    continue;
                for (var hard = write; hard <= server.Writes.Length; hard++)
                {
                    var image = server.ImageAfter(hard);
                    if (image.Term == Number(core.Term) && image.Vote == ServerOf(core.VotedFor)
                        && QuorateRaft.Restart(State, i, hard, write, log, Number(core.CommitIndex)) is { } restarted)
                    {
                        _state = restarted;
                        return;
                    }
                }
            }
        }

        throw Refused(core, "Restart", "no crash leaves what it starts from");
    }

    /// <summary>A core has taken a step.</summary>
    /// <exception cref="ViolationException">The specification has no such step.</exception>
    public void Stepped(RaftCore core, in Input input, Effects effects)
    {
        var i = _servers[core.Self];
        if (input.Kind == InputKind.Durable)
            BecameDurable(core, i, input.Number);
        EnterTerm(core, i, effects);
        if (input.Kind == InputKind.Message)
            Heard(core, i, input.Message!, effects);
        Lead(core, i);
        Read(core, i, input, effects);
        HoldReads(core, i, input, effects);
        if (core.Role == Role.Follower && State.Servers[i].Role != Role.Follower)
            Take(core, nameof(QuorateRaft.BecomeFollower), QuorateRaft.BecomeFollower(State, i));

        NameWrites(core, i, effects);
        AreTheSame(core, i, effects);
        foreach (var message in effects.SendNow.Messages)
            WasSaid(core, message, token: 0);
        foreach (var message in effects.SendWhenDurable.Messages)
            WasSaid(core, message, effects.SendWhenDurable.Token);
    }

    /// <summary>A core says something, now or when an append is on its disk.</summary>
    /// <exception cref="ViolationException">The specification says nothing of the kind.</exception>
    public void WasSaid(RaftCore core, Message message, ulong token)
    {
        var i = _servers[core.Self];
        switch (message)
        {
            case AppendEntries append:
                IsPieceOf(State.ReignOf(Number(append.Term)), core, append);
                break;
            case RequestVote request:
                WasSaid(core, i, SaidBy(request), token);
                break;
            case RequestVoteReply { Granted: true } reply:
                WasSaid(core, i, new Said(reply.PreVote ? SaidKind.PreVote : SaidKind.Vote, i, ServerOf(reply.To), Number(reply.Term), 0, 0), token);
                break;
            case AppendEntriesReply reply:
                if (reply is { Accepted: true, Index.Value: > 0 })
                    WasSaid(core, i, Said.Ack(i, Number(reply.Term), Number(reply.Index)), token);
                if (reply.Round > 0)
                    WasSaid(core, i, Said.Echo(i, Number(reply.Term), (int)reply.Round), token);
                break;

            // What decision 0015 leaves out. Refusals move nobody but into a later term, and that is TryAdoptTerm.
            case RequestVoteReply:
            // Which node proposed what an entry says: their outcomes are the simulator's promises.
            case ForwardProposals or RejectProposals:
            // A read through a follower is one asked at the leader. What is granted is looked at where it is granted (Read), and where it is answered (HoldReads).
            case ReadIndexRequest or ReadIndexReply:
                break;
            default:
                throw Refused(core, "Say", $"it says {message}, and the specification knows nothing of the kind");
        }
    }

    private void BecameDurable(RaftCore core, int i, ulong token)
    {
        var writes = State.Servers[i].Writes.Count(write => write.Token <= token);
        if (writes > 0)
            Take(core, nameof(QuorateRaft.OnDurable), QuorateRaft.OnDurable(State, i, writes));
    }

    private void EnterTerm(RaftCore core, int i, Effects effects)
    {
        var server = State.Servers[i];
        var stands = Number(core.Term) == server.Term + 1 && core.Role == Role.Candidate;
        var asksAgain = server.Role == Role.PreCandidate && Answer<RequestVote>(effects) is { PreVote: true };
        if (asksAgain || ((stands || core.Role == Role.PreCandidate) && server.Role != Role.PreCandidate))
            Take(core, nameof(QuorateRaft.BecomePreCandidate), _raft.BecomePreCandidate(State, i));
        if (stands)
            Take(core, nameof(QuorateRaft.BecomeCandidate), _raft.BecomeCandidate(State, i));
        else if (Number(core.Term) > server.Term)
            Take(core, nameof(QuorateRaft.TryAdoptTerm), _raft.TryAdoptTerm(State, i, Number(core.Term)));
    }

    private void Heard(RaftCore core, int i, Message message, Effects effects)
    {
        if (message is AppendEntries append && append.Term == core.Term)
        {
            if (Answer<AppendEntriesReply>(effects) is { Accepted: true })
            {
                var heard = _raft.OnAppendEntries(State, i, Number(append.Previous.Index), Number(append.LastIndex), Number(append.LeaderCommit));
                Take(core, nameof(QuorateRaft.OnAppendEntries), heard);
            }

            if (append.Round > 0)
                Take(core, nameof(QuorateRaft.AnswerRound), QuorateRaft.AnswerRound(State, i, (int)append.Round));
        }
        else if (message is RequestVote request && Answer<RequestVoteReply>(effects) is { Granted: true })
        {
            var asked = SaidBy(request);
            if (!State.Messages.Any(asked.IsSaidBy))
                throw Refused(core, nameof(QuorateRaft.OnRequestVote), $"nobody said {asked}");
            Take(core, nameof(QuorateRaft.OnRequestVote), _raft.OnRequestVote(State, i, asked));
        }
    }

    private void Lead(RaftCore core, int i)
    {
        if (core.Role != Role.Leader)
            return;
        if (State.Servers[i].Role != Role.Leader)
        {
            Take(core, nameof(QuorateRaft.BecomeLeader), _raft.BecomeLeader(State, i));

            // Reads that waited for another leader become its own.
            Take(core, nameof(QuorateRaft.OnRead), QuorateRaft.OnRead(State, i));
        }

        while (State.Servers[i].Log.Length < Number(core.LastIndex))
            Take(core, nameof(QuorateRaft.OnPropose), _raft.OnPropose(State, i));
        if (State.Servers[i].Commit < Number(core.CommitIndex))
            Take(core, nameof(QuorateRaft.AdvanceCommit), _raft.AdvanceCommit(State, i, Number(core.CommitIndex)));
    }

    private void Read(RaftCore core, int i, in Input input, Effects effects)
    {
        if (core.Role != Role.Leader)
            return;
        if (input.Kind == InputKind.Read || input is { Kind: InputKind.Message, Message: ReadIndexRequest })
            Take(core, nameof(QuorateRaft.OnRead), QuorateRaft.OnRead(State, i));

        var granted = Granted(effects);
        var asks = effects.SendNow.Messages.Any(m => m is AppendEntries append && (int)append.Round > State.Servers[i].Round);
        if (asks || (granted.Count > 0 && State.Servers[i].Reads.All(static r => r.Round == 0)))
            Take(core, nameof(QuorateRaft.StartReadRound), QuorateRaft.StartReadRound(State, i));
        if (granted.Count == 0)
            return;

        Take(core, nameof(QuorateRaft.ConfirmReads), _raft.ConfirmReads(State, i));
        foreach (var index in granted)
        {
            if (!State.Granted.Any(read => read.Index == index && read.Index >= read.Needed))
                throw Refused(core, "NoStaleRead", $"a read is let through at {index}, not at one of {string.Join(", ", State.Granted)}");
        }

        _state = State with { Granted = [] };
    }

    /// <summary>Each read of this node is answered once, and shows all that was committed anywhere when it came: by a round of its own, or as the leader has granted it.</summary>
    private void HoldReads(RaftCore core, int i, in Input input, Effects effects)
    {
        LogIndex? told = input is { Kind: InputKind.Message, Message: ReadIndexReply { Granted: true } reply } ? reply.Index : null;
        foreach (var answer in effects.ReadResults)
        {
            if (answer.RejectReason is null && core.Role != Role.Leader && answer.Index != told)
                throw Refused(core, "ConfirmReads", $"read {answer.Ticket} is let through at {answer.Index}, and no leader has granted that");
        }

        if (_openReads?[i] is not { } open)
            return;
        if (input.Kind == InputKind.Read)
            open.Add(input.Number, State.Reigns.Max(static reign => reign.Commit));
        foreach (var answer in effects.ReadResults)
        {
            if (!open.Remove(answer.Ticket, out var needed))
                throw Refused(core, "OneAnswer", $"read {answer.Ticket} is answered, and nobody waits for it");
            if (answer.RejectReason is null && Number(answer.Index) < needed)
                throw Refused(core, "NoStaleRead", $"read {answer.Ticket} is let through at {answer.Index}; {needed} was committed when it came");
        }
    }

    /// <summary>The writes of this step are part of the append that it hands out.</summary>
    private void NameWrites(RaftCore core, int i, Effects effects)
    {
        var server = State.Servers[i];
        var isNamed = server.Writes.IsEmpty || server.Writes[^1].Token != 0;
        if (isNamed != effects.Append.IsEmpty)
            throw Refused(core, "Write", isNamed ? $"it writes {effects.Append}, and nothing has changed" : "something has changed and is not written");
        if (isNamed)
            return;
        var token = effects.Append.Token;
        _state = State.With(i, server with { Writes = [.. server.Writes.Select(write => write.Token == 0 ? write with { Token = token } : write)] });
    }

    private void AreTheSame(RaftCore core, int i, Effects effects)
    {
        var server = State.Servers[i];
        var real = (core.Role, Number(core.Term), ServerOf(core.VotedFor), Number(core.LastIndex), Number(core.LastTerm), Number(core.CommitIndex), Number(core.SnapshotIndex));
        var specified = (server.Role, server.Term, server.Vote, server.Log.Length, server.Log.Last.Term, server.Commit, server.Snapshot);
        if (real != specified)
            throw Refused(core, "State", $"it is {real}");
        if (Number(core.DurableIndex) > server.Durable)
            throw Refused(core, "Durable", $"it takes entries up to {core.DurableIndex} for durable");
        foreach (ref readonly var entry in effects.Append.Entries.Span)
        {
            if (server.Log.TermAt(Number(entry.Index)) != Number(entry.Term))
                throw Refused(core, "Write", $"it writes {entry.Id}");
        }
    }

    private void WasSaid(RaftCore core, int i, Said said, ulong token)
    {
        var isSaid = State.Messages.Any(said.IsSaidBy) || State.Servers[i].Writes.Any(write => write.Token <= token && write.Say.Any(said.IsSaidBy));
        if (!isSaid)
            throw Refused(core, "Say", $"it says {said}{(token == 0 ? " now" : $" with append {token}")}");
    }

    private void IsPieceOf(Reign reign, RaftCore core, AppendEntries append)
    {
        var (previous, last) = (Number(append.Previous.Index), Number(append.LastIndex));
        var isPiece = reign.Leaders.Contains(_servers[core.Self]) && last <= reign.Log.Length && Number(append.LeaderCommit) <= reign.Commit
            && (int)append.Round <= reign.Round && reign.Log.TermAt(previous) == Number(append.Previous.Term);
        foreach (ref readonly var entry in append.Entries.Span)
            isPiece &= reign.Log.TermAt(Number(entry.Index)) == Number(entry.Term);
        if (!isPiece)
            throw Refused(core, "Say", $"it says {append}, no piece of {reign}");
    }

    private void Take(RaftCore core, string action, SpecificationState? next) => _state = next ?? throw Refused(core, action, "that is not enabled");

    private ViolationException Refused(RaftCore core, string what, string why) =>
        new("Refinement", $"{core.Self} takes a step that the specification does not have: {what}, {why}\n{CoreState.Of(core)}\n{State}");

    private Said SaidBy(RequestVote request) =>
        new(request.PreVote ? SaidKind.RequestPreVote : SaidKind.RequestVote, ServerOf(request.From), Server.Nobody, Number(request.Term), Number(request.LastEntry.Index), Number(request.LastEntry.Term));

    private static T? Answer<T>(Effects effects)
        where T : Message
        => effects.SendNow.Messages.OfType<T>().FirstOrDefault() ?? effects.SendWhenDurable.Messages.OfType<T>().FirstOrDefault();

    private static List<int> Granted(Effects effects)
    {
        var granted = new List<int>();
        foreach (var answer in effects.ReadResults)
        {
            if (answer.RejectReason is null)
                granted.Add(Number(answer.Index));
        }

        foreach (var message in effects.SendNow.Messages.Concat(effects.SendWhenDurable.Messages))
        {
            if (message is ReadIndexReply { Granted: true } reply)
                granted.Add(Number(reply.Index));
        }

        return granted;
    }

    private int ServerOf(NodeId node) => node == NodeId.None ? Server.Nobody : _servers[node];

    private static int Number(Term term) => checked((int)term.Value);

    private static int Number(LogIndex index) => checked((int)index.Value);
}
