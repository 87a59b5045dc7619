using Quorate.Raft;
using Quorate.Verification.Specification;

namespace Quorate.Verification.Exploration;

/// <summary>
/// Executes one step of one member: clones its core, steps the clone, and carries out the effects in the order of the driver.
/// </summary>
internal sealed class StepExecutor
{
    private readonly ModelConfig _config;
    private readonly SymmetryPermutation[] _permutations;
    private readonly ClusterState _state;
    private readonly MemberState _member;
    private readonly RaftCore _core;
    private readonly Effects _effects;
    private readonly Refinement? _refinement;
    private readonly List<UnflushedAppend> _pending;
    private readonly List<SentMessage> _sent = [];
    private readonly Queue<LoadEntriesRequest> _entriesRequests = new();
    private DiskImage _disk;
    private SnapshotProgress _snapshots;
    private GhostState _ghost;

    public StepExecutor(
        ModelConfig config, SymmetryPermutation[] permutations, Effects effects, Refinement? refinement, ClusterState state, NodeId id)
    {
        _config = config;
        _permutations = permutations;
        _effects = effects;
        _refinement = refinement;
        _state = state;
        _member = state[id];
        _core = _member.Core.Clone();
        _disk = _member.Disk;
        _snapshots = _member.Snapshots;
        _pending = [.. _member.Pending];
        _ghost = state.Ghost;
        refinement?.State = state.SpecState!;
    }

    /// <summary>Lets enough time elapse that the timer expires at the next tick.</summary>
    public StepExecutor AfterElapsed(TimerKind timer)
    {
        _core.Elapse(timer);
        return this;
    }

    /// <summary>Steps the core with one input and then with the end of the iteration.</summary>
    /// <param name="input">The input.</param>
    /// <param name="delivered">A message that is removed from the network; null: none.</param>
    /// <param name="spent">The action counts, this action included.</param>
    public ClusterState Execute(in Input input, SentMessage? delivered, ActionBudget spent)
    {
        Step(input);
        ProcessImmediateInputs();
        Step(Input.EndOfIteration);
        ProcessImmediateInputs();
        return Finish(delivered, spent);
    }

    /// <summary>
    /// Completes the flush of the oldest appends: their entries are on the disk, the messages held for them are sent, and the core receives
    /// the input.
    /// </summary>
    public ClusterState Flush(int appends, ActionBudget spent)
    {
        var token = CompleteAppends(appends);
        return Execute(Input.Durable(token), delivered: null, spent);
    }

    /// <summary>
    /// Notifies the core of the snapshot that is durable on its disk. A member that took it keeps no entry that it covers.
    /// </summary>
    public ClusterState NoticeSnapshot(ActionBudget spent)
    {
        var last = _disk.Snapshot;
        var input = _snapshots.Unnoticed == UnnoticedSnapshot.Taken ? Input.SnapshotSaved(last, last.Index) : Input.SnapshotReceived(last);
        _snapshots = _snapshots with { Unnoticed = UnnoticedSnapshot.None };
        return Execute(input, delivered: null, spent);
    }

    private void Step(in Input input)
    {
        var before = CoreState.Of(_core);
        _core.Step(input, _effects);
        var after = CoreState.Of(_core);
        RaftInvariants.CheckTransition(before, after);
        _refinement?.OnStep(_core, input, _effects);
        ExecuteEffects();
        if (after.Role == Role.Leader && before.Role != Role.Leader)
            _ghost = _ghost.WithLeader(_core);
        else if (after.Role == Role.Leader && after.Commit > before.Commit && _core.TermAt(after.Commit) != after.Term)
            throw new ViolationException(
                "CommitsItsOwnTerm",
                $"{after.Self} leads term {after.Term} and commits up to {_core.TermAt(after.Commit)}/{after.Commit} by counting replicas");
    }

    private void ExecuteEffects()
    {
        if (_effects.Append is { IsEmpty: false } append)
            _pending.Add(new UnflushedAppend(append.Token, append.HardState, append.ResetTo, append.Entries.ToArray(), append.Commit, []));
        foreach (var message in _effects.SendNow.Messages)
            _sent.Add(new SentMessage(_permutations, message));
        if (_effects.SendWhenDurable.Messages.Count > 0)
            HoldUntilDurable(_effects.SendWhenDurable);

        if (_effects.CompactTo > LogIndex.Zero)
            _disk = _disk.CompactedTo(_effects.CompactTo);
        if (_effects.NeededSnapshot is { } needed)
            _snapshots = _snapshots with { Needed = needed.AtLeast.Index };
        if (!_effects.Apply.IsEmpty)
            _ghost = _ghost.WithCommitted(_core, _effects.Apply.Span);
        foreach (var rejection in _effects.Rejections)
            _ghost = _ghost.WithRejected(rejection.Proposal);
        foreach (var result in _effects.ReadResults)
            _ghost = _ghost.WithReadResult(result);
        foreach (var request in _effects.EntriesRequests)
            _entriesRequests.Enqueue(request);
    }

    private void HoldUntilDurable(SendWhenDurableList messages)
    {
        var at = _pending.FindIndex(append => append.Token == messages.Token);
        Invariant.That(at >= 0, "a held message belongs to a pending append");
        var held = messages.Messages.Select(message => new SentMessage(_permutations, message));
        _pending[at] = _pending[at] with { Held = [.. _pending[at].Held, .. held] };
    }

    /// <summary>
    /// Steps the core with the inputs that follow without delay in this configuration: flushes, applies, and reads of the log.
    /// </summary>
    private void ProcessImmediateInputs()
    {
        while (true)
        {
            if (!_config.AsyncFlush && _pending.Count > 0)
                Step(Input.Durable(CompleteAppends(_pending.Count)));
            else if (!_config.AsyncApply && _core.ApplyingIndex > _core.AppliedIndex)
                Step(Input.Applied(_core.ApplyingIndex));
            else if (_entriesRequests.TryDequeue(out var request))
                Step(Input.EntriesLoaded(request.Peer, ReadLog(request)));
            else
                return;
        }
    }

    private ulong CompleteAppends(int count)
    {
        var completed = _pending[..count];
        _disk = _disk.With(completed.ToArray(), completed.Count);
        _pending.RemoveRange(0, count);
        foreach (var append in completed)
            _sent.AddRange(append.Held);
        return completed[^1].Token;
    }

    private LogEntry[] ReadLog(in LoadEntriesRequest request)
    {
        Invariant.That(request.To <= _disk.LastIndex, "the core requests only entries that the disk has");
        Invariant.That(request.From > _disk.Base.Index, "the core requests no entries that the log has dropped");
        return _disk.Entries[((int)(request.From - _disk.Base.Index) - 1)..(int)(request.To - _disk.Base.Index)];
    }

    private ClusterState Finish(SentMessage? delivered, ActionBudget spent)
    {
        _core.AbstractTime();
        var members = _state.Members.ToArray();
        members[(int)_core.Self.Value - 1] = new MemberState(_permutations, _core, _disk, [.. _pending], _member.Starts, _snapshots);
        var state = new ClusterState(members, [], _ghost, spent, _state.Isolated) { SpecState = _refinement?.State };
        return state with { Network = NextNetwork(state, delivered) };
    }

    private SentMessage[] NextNetwork(ClusterState state, SentMessage? delivered)
    {
        var network = new List<SentMessage>(_state.Network.Length + _sent.Count);
        foreach (var message in _state.Network)
        {
            if (!message.Equals(delivered))
                network.Add(message);
        }

        foreach (var message in _sent)
        {
            if (_config.OneInFlightPerLinkAndKind)
                network.RemoveAll(message.HasSameKindAndLink);
            if (state.IsDeliverable(message) && !network.Contains(message))
                network.Add(message);
        }

        if (_config.PrunesIgnoredMessages)
            network.RemoveAll(message => WillBeIgnored(message.Message, state[message.Message.To].Disk.HardState.Term));
        return [.. network];
    }

    /// <summary>
    /// Whether the message is a reply of a term that its receiver has left. The receiver's newer term is durable, so it ignores the reply
    /// even after a crash.
    /// </summary>
    private static bool WillBeIgnored(Message message, Term durable) => message switch
    {
        AppendEntriesReply reply => reply.Term < durable,
        RequestVoteReply { PreVote: false } reply => reply.Term < durable,
        RequestVoteReply { PreVote: true, Granted: true } reply => reply.Term <= durable,
        ReadIndexReply { Granted: false } reply => reply.Term <= durable,
        _ => false,
    };
}
