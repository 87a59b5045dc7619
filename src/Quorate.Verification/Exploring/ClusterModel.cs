using Quorate.Raft;
using Quorate.Verification.ModelChecking;
using Quorate.Verification.Specification;

namespace Quorate.Verification.Exploring;

/// <summary>A cluster of real cores, over a network and disks that do all that networks and disks may do.</summary>
internal sealed class ClusterModel : IModel<ClusterState, ClusterAction>
{
    private readonly Scope _scope;
    private readonly Renaming[] _renamings;
    private readonly Configuration _configuration;

    /// <summary>Used again and again: whatever a step says is copied before the next.</summary>
    private readonly Effects _effects = new();

    private readonly Refinement? _refinement;

    /// <param name="scope">How large the world is.</param>
    /// <param name="refine">Every step of every core must be a step of the specification.</param>
    public ClusterModel(Scope scope, bool refine = false)
    {
        _scope = scope;
        _renamings = Renaming.All(scope.Members, scope.Symmetric);
        _configuration = new Configuration(Enumerable.Range(1, scope.Members).Select(static id => new NodeId((ulong)id)));
        _refinement = refine ? new Refinement(_configuration) : null;
        var blank = _configuration.Members.Select(id => Start(id, DiskImage.Blank, life: 1)).ToArray();
        var beginning = new ClusterState(blank, [], new Promises(_renamings), default) { Specified = _refinement?.State };
        InitialStates = [scope.BeginsLed ? Elect(beginning) : beginning];
    }

    /// <inheritdoc/>
    public IEnumerable<ClusterState> InitialStates { get; }

    /// <inheritdoc/>
    public IReadOnlyList<Sometimes<ClusterState>> Sometimes { get; } =
    [
        new("a second leader", static state => state.Promises.Leaders.Count(static leader => leader != NodeId.None) > 1),
        new("two leaders at once", static state => state.Members.Count(static member => member.Core.Role == Role.Leader) > 1),
        new("a command committed", static state => state.Promises.Committed.Any(static entry => entry.Proposal != ProposalId.None)),
        new("an entry committed by a later leader", static state => state.Promises.Committed.Any(static entry => entry.Term < entry.CommittedIn)),
        new("a log that lost its end", static state => state.Members.Any(static member => member.Core.LastIndex < member.Disk.LastIndex)),
        new("a read granted", static state => state.Promises.Granted > 0),
        new("a proposal rejected", static state => state.Promises.Rejected.Length > 0),
        new("a message that came twice", static state => state.Spent.Duplicates > 0),
        new("a connection lost", static state => state.Spent.LostPeers > 0),
        new("a leader that heard no quorum", static state => state.Spent.QuorumSilences > 0),
        new("a second life", static state => state.Members.Any(static member => member.Lives > 1)),
    ];

    /// <inheritdoc/>
    public void ActionsOf(ClusterState state, List<ClusterAction> actions)
    {
        foreach (var message in state.Network)
            AddActionsOf(message, state, actions);
        foreach (var member in state.Members)
            AddActionsOf(member, state, actions);
        if (state.CutOff != NodeId.None)
            actions.Add(new ClusterAction(ActionKind.Reconnect, state.CutOff));
    }

    /// <inheritdoc/>
    public ClusterState? Next(ClusterState state, ClusterAction action)
    {
        var spent = state.Spent;
        var id = action.Node;

        // A walk that is shortened asks for what may not be possible any more.
        if ((action.Message is not null && !state.Network.Contains(action.Message)) || Math.Max(action.Appends, action.HardStates) > state[id].Pending.Length)
            return null;

        switch (action.Kind)
        {
            case ActionKind.Deliver:
                return Turn(state, id).Take(Input.Received(action.Message!.Message), action.Message, spent);
            case ActionKind.DeliverInSilence:
                return Turn(state, id).After(TimerKind.LeaderTimeout).Take(Input.Received(action.Message!.Message), action.Message, spent);
            case ActionKind.Duplicate:
                return Turn(state, id).Take(Input.Received(action.Message!.Message), without: null, spent with { Duplicates = (byte)(spent.Duplicates + 1) });
            case ActionKind.Drop:
                return state with { Network = [.. state.Network.Where(message => !message.Equals(action.Message))] };
            case ActionKind.CutOff:
                return CutOff(state, id, spent with { CutOffs = (byte)(spent.CutOffs + 1) });
            case ActionKind.Reconnect:
                return state with { CutOff = NodeId.None };
            case ActionKind.Timeout:
                return Turn(state, id).After(TimerKind.ElectionTimeout).Take(Input.Tick, without: null, spent with { Timeouts = (byte)(spent.Timeouts + 1) });
            case ActionKind.Heartbeat:
                return Turn(state, id).After(TimerKind.Heartbeat).Take(Input.Tick, without: null, spent with { Heartbeats = (byte)(spent.Heartbeats + 1) });
            case ActionKind.QuorumSilence:
                return Turn(state, id).After(TimerKind.QuorumTimeout).Take(Input.Tick, without: null, spent with { QuorumSilences = (byte)(spent.QuorumSilences + 1) });
            case ActionKind.PeerLost:
                return Turn(state, id).Take(Input.PeerLost(action.Peer), without: null, spent with { LostPeers = (byte)(spent.LostPeers + 1) });
            case ActionKind.FlushCompletes:
                return Turn(state, id).Flush(action.Appends, spent);
            case ActionKind.Apply:
                return state[id].Core is var core && core.ApplyingIndex > core.AppliedIndex
                    ? Turn(state, id).Take(Input.Applied(core.ApplyingIndex), without: null, spent)
                    : null;
            case ActionKind.Propose:
                return Propose(state, action, spent with { Proposals = (byte)(spent.Proposals + 1) });
            case ActionKind.Read:
                return Read(state, action, spent with { Reads = (byte)(spent.Reads + 1) });
            case ActionKind.Crash:
                return Crash(state, action, spent with { Crashes = (byte)(spent.Crashes + 1) });
            default:
                throw new ArgumentException($"{action.Kind} is nothing that happens", nameof(action));
        }
    }

    /// <inheritdoc/>
    public void Check(ClusterState state)
    {
        RaftInvariants.CheckCluster([.. state.Members.Select(static member => member.Core)]);
        state.Promises.HoldIn(state.Members);
    }

    /// <inheritdoc/>
    public ulong Fingerprint(ClusterState state, StateEncoder encoder)
    {
        var least = ulong.MaxValue;
        foreach (ref readonly var renaming in _renamings.AsSpan())
        {
            state.Write(renaming, encoder);
            least = Math.Min(least, encoder.Hash());
        }

        return least;
    }

    /// <inheritdoc/>
    public int WeightOf(ClusterAction action) => action.Kind switch
    {
        ActionKind.Deliver => 16,
        ActionKind.FlushCompletes or ActionKind.Apply => 16,
        ActionKind.DeliverInSilence => 8,
        ActionKind.Heartbeat => 4,
        ActionKind.Propose or ActionKind.Read or ActionKind.Drop => 2,
        _ => 1,
    };

    /// <inheritdoc/>
    public int KindOf(ClusterAction action) => action.Kind is ActionKind.Deliver or ActionKind.FlushCompletes or ActionKind.Apply or ActionKind.Reconnect ? 0 : (int)action.Kind;

    private void AddActionsOf(SentMessage message, ClusterState state, List<ClusterAction> actions)
    {
        var to = message.Message.To;
        actions.Add(new ClusterAction(ActionKind.Deliver, to, message));
        if (message.Message is RequestVote && state[to].Core is { Role: not Role.Leader } core && core.Leader != NodeId.None)
            actions.Add(new ClusterAction(ActionKind.DeliverInSilence, to, message));
        if (state.Spent.Duplicates < _scope.Budget.Duplicates)
            actions.Add(new ClusterAction(ActionKind.Duplicate, to, message));
        if (_scope.Drops)
            actions.Add(new ClusterAction(ActionKind.Drop, to, message));
    }

    private void AddActionsOf(Member member, ClusterState state, List<ClusterAction> actions)
    {
        var (spent, budget, core, id) = (state.Spent, _scope.Budget, member.Core, member.Id);
        var leads = core.Role == Role.Leader;
        if (!leads && spent.Timeouts < budget.Timeouts)
            actions.Add(new ClusterAction(ActionKind.Timeout, id));
        if (spent.Heartbeats < budget.Heartbeats && (leads || state.Promises.Reads.Any(read => read.Asker == id)))
            actions.Add(new ClusterAction(ActionKind.Heartbeat, id));
        if (leads && spent.QuorumSilences < budget.QuorumSilences)
            actions.Add(new ClusterAction(ActionKind.QuorumSilence, id));
        if (spent.Proposals < budget.Proposals)
            actions.Add(new ClusterAction(ActionKind.Propose, id, Number: spent.Proposals + 1));
        if (spent.Reads < budget.Reads)
            actions.Add(new ClusterAction(ActionKind.Read, id, Number: spent.Reads + 1));
        if (core.ApplyingIndex > core.AppliedIndex)
            actions.Add(new ClusterAction(ActionKind.Apply, id));
        for (var appends = 1; appends <= member.Pending.Length; appends++)
            actions.Add(new ClusterAction(ActionKind.FlushCompletes, id, Appends: appends));
        if (spent.CutOffs < budget.CutOffs && state.CutOff == NodeId.None)
            actions.Add(new ClusterAction(ActionKind.CutOff, id));
        if (spent.LostPeers < budget.LostPeers)
            AddLostPeers(core, actions);
        if (spent.Crashes < budget.Crashes)
            AddCrashes(member, actions);
    }

    private void AddLostPeers(RaftCore core, List<ClusterAction> actions)
    {
        foreach (var peer in _configuration.Members)
        {
            if (peer == core.Leader ? core.Role != Role.Leader : core.Role == Role.Leader && peer != core.Self)
                actions.Add(new ClusterAction(ActionKind.PeerLost, core.Self, Peer: peer));
        }
    }

    /// <summary>
    /// The disk keeps some of the oldest appends. Term and vote are flushed before the entries that were gathered with them, so those of later
    /// appends may be there when the entries are not.
    /// </summary>
    private static void AddCrashes(Member member, List<ClusterAction> actions)
    {
        for (var appends = 0; appends <= member.Pending.Length; appends++)
        {
            actions.Add(new ClusterAction(ActionKind.Crash, member.Id, Appends: appends, HardStates: appends));
            for (var hardStates = appends + 1; hardStates <= member.Pending.Length; hardStates++)
            {
                if (member.Pending[hardStates - 1].HardState is not null)
                    actions.Add(new ClusterAction(ActionKind.Crash, member.Id, Appends: appends, HardStates: hardStates));
            }
        }
    }

    private static ClusterState CutOff(ClusterState state, NodeId id, Budget spent)
    {
        var cut = state with { CutOff = id, Spent = spent };
        return cut with { Network = [.. state.Network.Where(cut.Passes)] };
    }

    private ClusterState Propose(ClusterState state, ClusterAction action, Budget spent)
    {
        var proposal = new Proposal(new ProposalId(action.Node, (ulong)action.Number), new byte[_scope.CommandBytes]);
        return Turn(state, action.Node).Take(Input.Propose(new[] { proposal }), without: null, spent);
    }

    private ClusterState Read(ClusterState state, ClusterAction action, Budget spent)
    {
        var ticket = (ulong)action.Number;
        var asked = state with { Promises = state.Promises.WithRead(action.Node, ticket) };
        return Turn(asked, action.Node).Take(Input.Read(ticket), without: null, spent);
    }

    /// <summary>The time between the end of one life and the beginning of the next is one in which nothing arrives, and needs no state of its own.</summary>
    private ClusterState Crash(ClusterState state, ClusterAction action, Budget spent)
    {
        var member = state[action.Node];
        var members = state.Members.ToArray();
        _refinement?.State = state.Specified!;
        members[(int)action.Node.Value - 1] = Start(action.Node, member.Disk.With(member.Pending.AsSpan(0, action.HardStates), action.Appends), member.Lives + 1);
        return state with { Members = members, Promises = state.Promises.WithoutReadsOf(action.Node), Spent = spent, Specified = _refinement?.State };
    }

    private Member Start(NodeId id, DiskImage disk, int life)
    {
        var core = new RaftCore(Scope.OptionsOf(id, life), disk.Restore(_configuration));
        core.AbstractTime();
        _refinement?.Started(core);
        return new Member(_renamings, core, disk, [], life);
    }

    private Turn Turn(ClusterState state, NodeId id) => new(_scope, _renamings, _effects, _refinement, state, id);

    /// <summary>The first member is elected, and everything that follows from it happens.</summary>
    private ClusterState Elect(ClusterState state)
    {
        state = Next(state, new ClusterAction(ActionKind.Timeout, new NodeId(1)))!;
        var actions = new List<ClusterAction>();
        while (true)
        {
            actions.Clear();
            ActionsOf(state, actions);
            if (actions.Find(static action => action.Kind is ActionKind.FlushCompletes or ActionKind.Apply or ActionKind.Deliver) is not { } next)
                return state with { Spent = default };
            state = Next(state, next)!;
        }
    }
}
