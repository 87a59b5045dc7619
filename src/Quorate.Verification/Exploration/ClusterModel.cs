using System.Collections.Immutable;
using Quorate.Node.Driver;
using Quorate.Raft;
using Quorate.Verification.ModelChecking;
using Quorate.Verification.Specification;

namespace Quorate.Verification.Exploration;

/// <summary>Model of a cluster of real cores with a network and disks that may do everything real networks and disks may do.</summary>
internal sealed partial class ClusterModel : IModel<ClusterState, ClusterAction>
{
    private readonly ModelConfig _config;
    private readonly SymmetryPermutation[] _permutations;
    private readonly Configuration _configuration;
    private readonly SpecMembership _quorums;

    /// <summary>Reused by every step: the effects of a step are copied before the next step.</summary>
    private readonly Effects _effects = new();

    private readonly Refinement? _refinement;

    /// <param name="config">Size and bounds of the model.</param>
    /// <param name="refine">Whether every step of every core must be a step of the specification.</param>
    public ClusterModel(ModelConfig config, bool refine = false)
    {
        _config = config;
        _configuration = config.Membership;
        if (refine && _configuration.IsJoint)
            throw new ArgumentException($"{config.Name}: the specification starts in no joint configuration", nameof(refine));
        _permutations = SymmetryPermutation.All(_configuration.Members.Length, config.Symmetric);
        _quorums = new SpecMembership(Servers(_configuration.Voters), Servers(_configuration.Outgoing));
        _refinement = refine ? new Refinement(_configuration) : null;
        var members = _configuration.Members.Select(id => Start(id, DiskImage.Blank, startNumber: 1)).ToArray();
        var initial = new ClusterState(members, [], new GhostState(_permutations), default) { SpecState = _refinement?.State };
        InitialStates = [config.StartsDiverged ? Diverge(initial) : config.StartsWithLeader ? Elect(initial) : initial];
    }

    /// <inheritdoc/>
    public IEnumerable<ClusterState> InitialStates { get; }

    /// <inheritdoc/>
    public IReadOnlyList<Sometimes<ClusterState>> Sometimes => _refinement is null ? [.. Goals, .. RepairGoals] : Goals;

    private static Sometimes<ClusterState>[] Goals { get; } =
    [
        new("a second leader", static state => state.Ghost.Leaders.Count(static leader => leader != NodeId.None) > 1),
        new("two leaders at once", static state => state.Members.Count(static member => member.Core.Role == Role.Leader) > 1),
        new("a command committed", static state => state.Ghost.Committed.Any(static entry => entry.Proposal != ProposalId.None)),
        new(
            "an entry committed by a later leader",
            static state => state.Ghost.Committed.Any(static entry => entry.Term < entry.CommittedIn)),
        new("a log truncated", static state => state.Members.Any(static member => member.Core.LastIndex < member.Disk.LastIndex)),
        new("a read granted", static state => state.Ghost.Granted > 0),
        new("a proposal rejected", static state => state.Ghost.Rejected.Length > 0),
        new("a message duplicated", static state => state.Spent.Duplicates > 0),
        new("a connection lost", static state => state.Spent.LostPeers > 0),
        new("a leader without a quorum", static state => state.Spent.QuorumTimeouts > 0),
        new("a member restarted", static state => state.Members.Any(static member => member.Starts > 1)),
        new(
            "a snapshot received",
            static state => state.Members.Any(static member => member.Snapshots.Unnoticed == UnnoticedSnapshot.Received)),
        new(
            "a snapshot installed",
            static state => state.Members.Any(static member => member.Core.SnapshotIndex > LogIndex.Zero
                && member.Pending.Any(static append => append.ResetTo is not null))),
        new(
            "a member restarted behind a snapshot",
            static state => state.Members.Any(static member => member.Starts > 1 && member.Disk.Base.Index > LogIndex.Zero)),
        new("entries dropped", static state => state.Members.Any(static member => member.Core.CompactedIndex > LogIndex.Zero)),
    ];

    /// <summary>What only a model without the specification does.</summary>
    private static Sometimes<ClusterState>[] RepairGoals { get; } =
    [
        new("a log lost", static state => state.Members.Any(static member => member.Core.IsRepairing)),
        new(
            "a log repaired",
            static state => state.Spent.LostLogs > 0 && !state.Members.Any(static member => member.Core.IsRepairing)),
    ];

    /// <inheritdoc/>
    public void ActionsOf(ClusterState state, List<ClusterAction> actions)
    {
        foreach (var message in state.Network)
            AddActionsOf(message, state, actions);
        foreach (var member in state.Members)
            AddActionsOf(member, state, actions);
        if (state.Isolated != NodeId.None)
            actions.Add(new ClusterAction(ClusterActionKind.Reconnect, state.Isolated));
    }

    /// <inheritdoc/>
    public ClusterState? Next(ClusterState state, ClusterAction action)
    {
        var spent = state.Spent;
        var id = action.Node;

        // PathShrinker removes actions from a walk, so a later action may no longer be possible.
        if ((action.Message is not null && !state.Network.Contains(action.Message))
            || Math.Max(action.Appends, action.HardStates) > state[id].Pending.Length)
            return null;

        switch (action.Kind)
        {
            case ClusterActionKind.Deliver:
                return StepOn(state, id).Execute(Input.Received(action.Message!.Message), action.Message, spent);
            case ClusterActionKind.DeliverAfterLeaderTimeout:
                return StepOn(state, id)
                    .AfterElapsed(TimerKind.LeaderTimeout)
                    .Execute(Input.Received(action.Message!.Message), action.Message, spent);
            case ClusterActionKind.Duplicate:
                return StepOn(state, id)
                    .Execute(
                        Input.Received(action.Message!.Message), delivered: null, spent with { Duplicates = (byte)(spent.Duplicates + 1) });
            case ClusterActionKind.Drop:
                return state with { Network = [.. state.Network.Where(message => !message.Equals(action.Message))] };
            case ClusterActionKind.Isolate:
                return Isolate(state, id, spent with { Isolations = (byte)(spent.Isolations + 1) });
            case ClusterActionKind.Reconnect:
                return state with { Isolated = NodeId.None };
            case ClusterActionKind.Timeout:
                return StepOn(state, id)
                    .AfterElapsed(TimerKind.ElectionTimeout)
                    .Execute(Input.Tick, delivered: null, spent with { Timeouts = (byte)(spent.Timeouts + 1) });
            case ClusterActionKind.Heartbeat:
                return StepOn(state, id)
                    .AfterElapsed(TimerKind.Heartbeat)
                    .Execute(Input.Tick, delivered: null, spent with { Heartbeats = (byte)(spent.Heartbeats + 1) });
            case ClusterActionKind.QuorumTimeout:
                return StepOn(state, id)
                    .AfterElapsed(TimerKind.QuorumTimeout)
                    .Execute(Input.Tick, delivered: null, spent with { QuorumTimeouts = (byte)(spent.QuorumTimeouts + 1) });
            case ClusterActionKind.PeerLost:
                return StepOn(state, id)
                    .Execute(Input.PeerLost(action.Peer), delivered: null, spent with { LostPeers = (byte)(spent.LostPeers + 1) });
            case ClusterActionKind.FlushCompletes:
                return StepOn(state, id).Flush(action.Appends, spent);
            case ClusterActionKind.Apply:
                return state[id].Core is var core && core.ApplyingIndex > core.AppliedIndex
                    ? StepOn(state, id).Execute(Input.Applied(core.ApplyingIndex), delivered: null, spent)
                    : null;
            case ClusterActionKind.Propose:
                return Propose(state, action, spent with { Proposals = (byte)(spent.Proposals + 1) });
            case ClusterActionKind.Read:
                return Read(state, action, spent with { Reads = (byte)(spent.Reads + 1) });
            case ClusterActionKind.TakeSnapshot:
                return TakeSnapshot(state, id, spent with { Snapshots = (byte)(spent.Snapshots + 1) });
            case ClusterActionKind.ReceiveSnapshot:
                return ReceiveSnapshot(state, id, action.Peer);
            case ClusterActionKind.NoticeSnapshot:
                return state[id].Snapshots.Unnoticed == UnnoticedSnapshot.None ? null : StepOn(state, id).NoticeSnapshot(spent);
            case ClusterActionKind.Crash:
                return Crash(state, action, spent with { Crashes = (byte)(spent.Crashes + 1) }, static disk => disk.Recovered());
            case ClusterActionKind.LoseLog:
                return MayLoseLog(state, id)
                    ? Crash(
                        state, action, spent with { LostLogs = (byte)(spent.LostLogs + 1) },
                        disk => disk.WithoutLog(losesSnapshot: action.Number > 0))
                    : null;
            default:
                throw new ArgumentException($"unknown kind of action: {action.Kind}", nameof(action));
        }
    }

    /// <inheritdoc/>
    public void Check(ClusterState state)
    {
        RaftInvariants.CheckCluster([.. state.Members.Select(static member => member.Core)]);
        state.Ghost.Check(state.Members, _quorums);
    }

    /// <inheritdoc/>
    public ulong Fingerprint(ClusterState state, StateEncoder encoder)
    {
        var minimum = ulong.MaxValue;
        foreach (ref readonly var permutation in _permutations.AsSpan())
        {
            state.Write(permutation, encoder);
            minimum = Math.Min(minimum, encoder.Hash());
        }

        return minimum;
    }

    /// <inheritdoc/>
    public int WeightOf(ClusterAction action) => action.Kind switch
    {
        ClusterActionKind.Deliver => 16,
        ClusterActionKind.FlushCompletes or ClusterActionKind.Apply => 16,
        ClusterActionKind.NoticeSnapshot or ClusterActionKind.ReceiveSnapshot => 16,
        ClusterActionKind.TakeSnapshot => 8,
        ClusterActionKind.DeliverAfterLeaderTimeout => 8,
        ClusterActionKind.Heartbeat => 4,
        ClusterActionKind.Propose or ClusterActionKind.Read or ClusterActionKind.Drop => 2,
        _ => 1,
    };

    /// <inheritdoc/>
    public int KindOf(ClusterAction action) =>
        action.Kind
            is ClusterActionKind.Deliver or ClusterActionKind.FlushCompletes or ClusterActionKind.Apply or ClusterActionKind.Reconnect
                or ClusterActionKind.NoticeSnapshot or ClusterActionKind.ReceiveSnapshot
            ? 0
            : (int)action.Kind;

    private static ServerSet Servers(ImmutableArray<NodeId> members) =>
        members.Aggregate(default(ServerSet), static (set, member) => set.With((int)member.Value - 1));

    private void AddActionsOf(SentMessage message, ClusterState state, List<ClusterAction> actions)
    {
        var to = message.Message.To;
        actions.Add(new ClusterAction(ClusterActionKind.Deliver, to, message));
        if (message.Message is RequestVote && state[to].Core is { Role: not Role.Leader } core && core.Leader != NodeId.None)
            actions.Add(new ClusterAction(ClusterActionKind.DeliverAfterLeaderTimeout, to, message));
        if (state.Spent.Duplicates < _config.Budget.Duplicates)
            actions.Add(new ClusterAction(ClusterActionKind.Duplicate, to, message));
        if (_config.Drops)
            actions.Add(new ClusterAction(ClusterActionKind.Drop, to, message));
    }

    private void AddActionsOf(MemberState member, ClusterState state, List<ClusterAction> actions)
    {
        var (spent, budget, core, id) = (state.Spent, _config.Budget, member.Core, member.Id);
        var leads = core.Role == Role.Leader;
        if (!leads && spent.Timeouts < budget.Timeouts)
            actions.Add(new ClusterAction(ClusterActionKind.Timeout, id));
        if (spent.Heartbeats < budget.Heartbeats && (leads || state.Ghost.Reads.Any(read => read.Node == id)))
            actions.Add(new ClusterAction(ClusterActionKind.Heartbeat, id));
        if (leads && spent.QuorumTimeouts < budget.QuorumTimeouts)
            actions.Add(new ClusterAction(ClusterActionKind.QuorumTimeout, id));
        if (spent.Proposals < budget.Proposals)
            actions.Add(new ClusterAction(ClusterActionKind.Propose, id, Number: spent.Proposals + 1));
        if (spent.Reads < budget.Reads)
            actions.Add(new ClusterAction(ClusterActionKind.Read, id, Number: spent.Reads + 1));
        if (core.ApplyingIndex > core.AppliedIndex)
            actions.Add(new ClusterAction(ClusterActionKind.Apply, id));
        for (var appends = 1; appends <= member.Pending.Length; appends++)
            actions.Add(new ClusterAction(ClusterActionKind.FlushCompletes, id, Appends: appends));
        if (spent.Isolations < budget.Isolations && state.Isolated == NodeId.None)
            actions.Add(new ClusterAction(ClusterActionKind.Isolate, id));
        if (spent.LostPeers < budget.LostPeers)
            AddLostPeers(core, actions);
        if (spent.Snapshots < budget.Snapshots && MayTakeSnapshot(member))
            actions.Add(new ClusterAction(ClusterActionKind.TakeSnapshot, id));
        if (member.Snapshots.Unnoticed != UnnoticedSnapshot.None)
            actions.Add(new ClusterAction(ClusterActionKind.NoticeSnapshot, id));
        foreach (var peer in state.Members)
        {
            if (MayReceiveSnapshot(state, member, peer))
                actions.Add(new ClusterAction(ClusterActionKind.ReceiveSnapshot, id, Peer: peer.Id));
        }

        if (spent.Crashes < budget.Crashes)
            AddCrashes(member, actions);
        if (spent.LostLogs < budget.LostLogs && MayLoseLog(state, id))
            AddLostLogs(member, actions);
    }

    /// <summary>
    /// Whether a member may lose its log: the members that have lost theirs stay a minority of each set of voters. Otherwise what was
    /// committed may be lost, and no leader is elected any more. The specification has no such action.
    /// </summary>
    private bool MayLoseLog(ClusterState state, NodeId id)
    {
        var intact = Servers([.. state.Members.Where(member => member.Id != id && !member.Core.IsRepairing).Select(static m => m.Id)]);
        return _refinement is null && _quorums.IsQuorum(intact);
    }

    private static void AddLostLogs(MemberState member, List<ClusterAction> actions)
    {
        for (var hardStates = 0; hardStates <= member.Pending.Length; hardStates++)
        {
            if (hardStates > 0 && member.Pending[hardStates - 1].HardState is null)
                continue;
            actions.Add(new ClusterAction(ClusterActionKind.LoseLog, member.Id, HardStates: hardStates));
            if (member.Disk.Snapshot.Index > LogIndex.Zero)
                actions.Add(new ClusterAction(ClusterActionKind.LoseLog, member.Id, HardStates: hardStates, Number: 1));
        }
    }

    /// <summary>As the driver decides: the last applied entry is of the current term, and no snapshot covers it.</summary>
    private static bool MayTakeSnapshot(MemberState member) =>
        member.Snapshots.Unnoticed == UnnoticedSnapshot.None
        && member.Core.AppliedIndex > member.Disk.Snapshot.Index
        && member.Core.TermAt(member.Core.AppliedIndex) == member.Core.Term;

    private static bool MayReceiveSnapshot(ClusterState state, MemberState member, MemberState peer) =>
        member.Snapshots is { Unnoticed: UnnoticedSnapshot.None, Needed: var needed } && needed > LogIndex.Zero
        && peer.Disk.Snapshot.Index >= needed && peer.Disk.Snapshot.Index > member.Disk.Snapshot.Index
        && (state.Isolated == NodeId.None || (state.Isolated != member.Id && state.Isolated != peer.Id));

    private ClusterState? TakeSnapshot(ClusterState state, NodeId id, ActionBudget spent)
    {
        var member = state[id];
        if (!MayTakeSnapshot(member))
            return null;
        var last = new EntryId(member.Core.Term, member.Core.AppliedIndex);
        return WithSnapshot(state, member, last, member.Snapshots with { Unnoticed = UnnoticedSnapshot.Taken }) with { Spent = spent };
    }

    private ClusterState? ReceiveSnapshot(ClusterState state, NodeId id, NodeId from)
    {
        var member = state[id];
        return MayReceiveSnapshot(state, member, state[from])
            ? WithSnapshot(state, member, state[from].Disk.Snapshot, new SnapshotProgress(LogIndex.Zero, UnnoticedSnapshot.Received))
            : null;
    }

    /// <summary>A snapshot becomes durable on the disk of a member.</summary>
    private ClusterState WithSnapshot(ClusterState state, MemberState member, EntryId last, SnapshotProgress progress) =>
        state.With(
            new MemberState(
                _permutations, member.Core, member.Disk with { Snapshot = last }, member.Pending, member.Starts, progress));

    private void AddLostPeers(RaftCore core, List<ClusterAction> actions)
    {
        foreach (var peer in _configuration.Members)
        {
            if (peer == core.Leader ? core.Role != Role.Leader : core.Role == Role.Leader && peer != core.Self)
                actions.Add(new ClusterAction(ClusterActionKind.PeerLost, core.Self, Peer: peer));
        }
    }

    /// <summary>
    /// Adds the crashes. The disk keeps any number of the oldest pending appends. Term and vote are flushed before the entries of the same
    /// batch, so those of later appends may survive without their entries.
    /// </summary>
    private static void AddCrashes(MemberState member, List<ClusterAction> actions)
    {
        for (var appends = 0; appends <= member.Pending.Length; appends++)
        {
            actions.Add(new ClusterAction(ClusterActionKind.Crash, member.Id, Appends: appends, HardStates: appends));
            for (var hardStates = appends + 1; hardStates <= member.Pending.Length; hardStates++)
            {
                if (member.Pending[hardStates - 1].HardState is not null)
                    actions.Add(new ClusterAction(ClusterActionKind.Crash, member.Id, Appends: appends, HardStates: hardStates));
            }
        }
    }

    private static ClusterState Isolate(ClusterState state, NodeId id, ActionBudget spent)
    {
        var isolated = state with { Isolated = id, Spent = spent };
        return isolated with { Network = [.. state.Network.Where(isolated.IsDeliverable)] };
    }

    private ClusterState Propose(ClusterState state, ClusterAction action, ActionBudget spent)
    {
        var proposal = new Proposal(new ProposalId(action.Node, (ulong)action.Number), new byte[_config.CommandBytes]);
        return StepOn(state, action.Node).Execute(Input.Propose(new[] { proposal }), delivered: null, spent);
    }

    private ClusterState Read(ClusterState state, ClusterAction action, ActionBudget spent)
    {
        var ticket = (ulong)action.Number;
        var withRead = state with { Ghost = state.Ghost.WithRead(action.Node, ticket) };
        return StepOn(withRead, action.Node).Execute(Input.Read(ticket), delivered: null, spent);
    }

    /// <summary>
    /// The process ends and restarts at once: nothing arrives between the two, so that time needs no state of its own.
    /// </summary>
    private ClusterState Crash(ClusterState state, ClusterAction action, ActionBudget spent, Func<DiskImage, DiskImage> recovered)
    {
        var member = state[action.Node];
        var members = state.Members.ToArray();
        _refinement?.State = state.SpecState!;
        var disk = recovered(member.Disk.With(member.Pending.AsSpan(0, action.HardStates), action.Appends));
        members[(int)action.Node.Value - 1] = Start(action.Node, disk, member.Starts + 1);
        return state with
        {
            Members = members,
            Ghost = state.Ghost.WithoutReadsOf(action.Node),
            Spent = spent,
            SpecState = _refinement?.State,
        };
    }

    private MemberState Start(NodeId id, DiskImage disk, int startNumber)
    {
        var core = RaftGroup.CreateCore(ModelConfig.OptionsOf(id, startNumber), disk.Restore(_configuration));

        // The configuration of a model stays as it is; a joint one would be left.
        core.FixMembers();
        core.AbstractTime();
        _refinement?.OnStart(core);
        return new MemberState(_permutations, core, disk, [], startNumber, default);
    }

    private StepExecutor StepOn(ClusterState state, NodeId id) => new(_config, _permutations, _effects, _refinement, state, id);

    /// <summary>Elects the first member, and takes every action that follows until none is left.</summary>
    private ClusterState Elect(ClusterState state) =>
        SettleQuietly(Next(state, new ClusterAction(ClusterActionKind.Timeout, new NodeId(1)))!) with { Spent = default };

    /// <summary>See <see cref="ModelConfig.StartsDiverged"/>.</summary>
    private ClusterState Diverge(ClusterState state)
    {
        var (first, second) = (new NodeId(1), new NodeId(2));
        state = Isolate(Elect(state), first, default);
        for (var number = 1; number <= 2; number++)
            state = SettleQuietly(Next(state, new ClusterAction(ClusterActionKind.Propose, first, Number: number))!);
        state = SettleQuietly(Next(state, new ClusterAction(ClusterActionKind.Timeout, second))!);
        state = SettleQuietly(Next(state, new ClusterAction(ClusterActionKind.TakeSnapshot, second))!);
        return state with { Spent = default, Isolated = NodeId.None };
    }

    /// <summary>Takes every action that needs no fault and no timer, until none is left.</summary>
    private ClusterState SettleQuietly(ClusterState state)
    {
        var actions = new List<ClusterAction>();
        while (true)
        {
            actions.Clear();
            ActionsOf(state, actions);
            if ((actions.Find(static action => action.Kind == ClusterActionKind.DeliverAfterLeaderTimeout)
                ?? actions.Find(static action => NeedsNoTimer(action.Kind))) is not { } next)
                return state;
            state = Next(state, next)!;
        }
    }

    private static bool NeedsNoTimer(ClusterActionKind kind) => kind
        is ClusterActionKind.FlushCompletes or ClusterActionKind.Apply or ClusterActionKind.Deliver or ClusterActionKind.NoticeSnapshot;
}
