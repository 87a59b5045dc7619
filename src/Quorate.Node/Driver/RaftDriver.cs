using Quorate.Node.Divergence;
using Quorate.Node.Threading;
using Quorate.Node.Tracing;
using Quorate.Node.Transport;
using Quorate.Node.Versions;
using Quorate.Raft;

namespace Quorate.Node.Driver;

/// <summary>
/// Called right after each step, before its effects are carried out: a process that crashes between the two has still taken the step.
/// </summary>
internal delegate void StepObserver(RaftCore core, in Input input, Effects effects);

/// <summary>
/// Runs the core. Each iteration takes all inputs that have arrived, steps the core once for each, and carries out the effects.
/// </summary>
/// <remarks>
/// <code>
///   network ───┐                                         ┌─► disk      one write and one flush for the whole iteration
///   disk ──────┤                                         ├─► network   at once: messages that do not depend on the flush
///   applier ───┼─► RunOnce ─► RaftCore.Step ─► Effects ──┤   held:     messages that must wait for the flush
///   clients ───┤                                         ├─► applier
///   clock ─────┘                                         └─► clients
/// </code>
/// The driver is polled and never blocks, so that production can run it on threads (<see cref="LoopScheduler"/>) and the simulator in
/// virtual time. Threading: one caller at a time.
/// </remarks>
internal sealed class RaftDriver
{
    /// <summary>The most messages of one iteration: during a flood of messages, the clock and the clients still get their share.</summary>
    private const int MessagesPerIterationMax = 1024;

    /// <summary>
    /// The most spare <see cref="Effects"/> kept for later messages that wait for the disk. A disk that was slow for a moment may have
    /// needed any number of them, and each keeps its messages alive.
    /// </summary>
    private const int SpareEffectsMax = 8;

    private readonly RaftCore _core;
    private readonly ITransport _network;
    private readonly ClusterFeatures _features;
    private readonly ClusterVersionProposer _versions;
    private readonly GroupMembers _members;
    private readonly LogWriter _logWriter;
    private readonly IApplier _applier;
    private readonly GroupSnapshots _snapshots;
    private readonly GroupDivergence _divergence;
    private readonly IPendingProposals _pendingProposals;
    private readonly PendingReads _pendingReads;
    private readonly LeaderLease? _lease;
    private readonly PendingTransfers _pendingTransfers;
    private readonly TickClock _clock;
    private readonly StepObserver _observe;
    private readonly TraceWriter? _trace;
    private readonly Action<Message> _send;

    private readonly Queue<(ulong Token, Effects Effects)> _awaitingDurable = new();
    private readonly Stack<Effects> _spareEffects = new(SpareEffectsMax);
    private Effects _effects = new();
    private ProposalBatch _proposalBatch = new();
    private List<ulong> _withdrawn = [];
    private ulong _durableToken;

    /// <summary>What the core assumes; it starts with transfers.</summary>
    private bool _isTransferSupported = true;

    public RaftDriver(
        RaftCore core,
        ITransport network,
        ClusterFeatures features,
        ClusterVersionProposer versions,
        GroupMembers members,
        LogWriter logWriter,
        IApplier applier,
        GroupSnapshots snapshots,
        GroupDivergence divergence,
        IPendingProposals pendingProposals,
        PendingReads pendingReads,
        PendingTransfers pendingTransfers,
        TickClock clock,
        StepObserver observe,
        TraceWriter? trace)
    {
        _core = core;
        _network = network;
        _features = features;
        _versions = versions;
        _members = members;
        _logWriter = logWriter;
        _applier = applier;
        _snapshots = snapshots;
        _divergence = divergence;
        _send = network.Send;
        _pendingProposals = pendingProposals;
        _pendingReads = pendingReads;
        _lease = pendingReads.Lease is { IsOn: true } lease ? lease : null;
        _pendingTransfers = pendingTransfers;
        _clock = clock;
        _observe = observe;
        _trace = trace;
    }

    /// <summary>
    /// Runs one iteration. Returns true when more messages may have arrived than one iteration takes; another iteration must then follow at
    /// once.
    /// </summary>
    /// <exception cref="IOException">The disk failed.</exception>
    /// <exception cref="StateMachineException">The state machine threw.</exception>
    /// <exception cref="InvariantViolationException">An invariant is false: a bug in this library.</exception>
    public bool RunOnce()
    {
        UpdateFeatures();
        _members.ReadStatedConfigurations(_core);
        while (_members.TryTakeInput(out var input))
            Step(input);
        var moreMessages = DrainMessages();
        DrainLogWriter();
        DrainApplied();
        DrainSnapshots();
        DrainDivergence();
        DrainClients();
        DrainTicks();
        ReportStorageHealth();
        Step(_lease is not null && _features.IsEnabled(Feature.LeaderLeases)
            ? Input.EndOfIterationAt(_lease.Now)
            : Input.EndOfIteration);
        _network.Flush();
        _logWriter.Submit();
        _members.ThrowIfExcluded(_core);
        return moreMessages;
    }

    /// <summary>Notifies the core when the version of the cluster permits leadership transfers, or no longer does.</summary>
    private void UpdateFeatures()
    {
        var isSupported = _features.IsEnabled(Feature.LeadershipTransfer);
        if (isSupported == _isTransferSupported)
            return;
        _isTransferSupported = isSupported;
        Step(Input.TransferSupport(isSupported));
    }

    private bool DrainMessages()
    {
        for (var i = 0; i < MessagesPerIterationMax; i++)
        {
            if (!_network.TryReceive(out var received))
                return false;
            if (received.Kind != ReceivedEventKind.Message)
                Step(Input.PeerLost(received.Peer));
            else if (!_snapshots.TryHandle(received.Message!) && !_divergence.TryHandle(received.Message!))
                Step(Input.Received(received.Message!));
        }

        return true;
    }

    private void DrainLogWriter()
    {
        if (!_logWriter.TryTakeCompleted(out var durable, out var read, out var entries))
            return;

        if (durable == 0)
        {
            Step(Input.EntriesLoaded(read.Peer, entries));
            return;
        }

        _durableToken = durable;
        Step(Input.Durable(durable));
        while (_awaitingDurable.TryPeek(out var held) && held.Token <= durable)
        {
            _awaitingDurable.Dequeue();
            Send(held.Effects.SendWhenDurable.Messages);
            if (_spareEffects.Count < SpareEffectsMax)
                _spareEffects.Push(held.Effects);
        }
    }

    private void DrainApplied()
    {
        // A cancelled restoration of a snapshot is no fault: the node is being stopped.
        if (_applier.Fault is { } fault and not OperationCanceledException)
            throw fault;
        var applied = _applier.Applied;
        if (applied > _core.AppliedIndex)
            Step(Input.Applied(applied));
    }

    private void DrainSnapshots()
    {
        _snapshots.Run(_core, _applier.Applied, _core.StorageHealth is StorageHealth.LowSpace or StorageHealth.Full, _send);
        while (_snapshots.TryTakeInput(out var input))
            Step(input);
    }

    private void DrainDivergence()
    {
        _divergence.Run(_send);
        if (_divergence.Quarantine is null || _core.IsQuarantined)
            return;
        Step(Input.Quarantined);
        _pendingReads.RejectAll(RejectReason.Quarantined);
    }

    private void DrainClients()
    {
        while (_pendingTransfers.TryTake(out var transfer))
            Step(transfer);

        // During a transfer of leadership, proposals wait in the queue as they do without a leader.
        _pendingProposals.Drain(_core.Leader != NodeId.None && _core.TransferTarget == NodeId.None, ref _proposalBatch, ref _withdrawn);
        if (_proposalBatch.Count > 0)
        {
            Step(Input.Propose(_proposalBatch.Memory));
            _proposalBatch.Clear();
        }

        foreach (var sequence in _withdrawn)
            Step(Input.Withdraw(sequence));
        _withdrawn.Clear();

        if (_pendingReads.TryIssue(out var ticket))
            Step(Input.Read(ticket));
    }

    private void DrainTicks()
    {
        for (var ticks = _clock.TakeTicks(); ticks > 0; ticks--)
        {
            Step(Input.Tick);
            _snapshots.OnTick();
            _divergence.OnTick(_send);
            if (_versions.OnTick(_core) is { } version)
                Step(Input.ProposeClusterVersion(version));

            // A leader without writes would not notice that its disk hangs. The others need their disks only when there is a write.
            _logWriter.OnTick(mayProbe: _core.Role == Role.Leader);
        }
    }

    private void ReportStorageHealth()
    {
        if (_logWriter.Health is var health && health != _core.StorageHealth)
            Step(Input.StorageHealth(health));
    }

    /// <summary>Steps the core and carries out the effects in their order.</summary>
    private void Step(in Input input)
    {
        var effects = _effects;
        _core.Step(input, effects);
        _lease?.Update(_core);
        _trace?.WriteStep(_core, input, effects);
        _observe(_core, input, effects);

        if (!effects.Append.IsEmpty)
            _logWriter.Stage(effects.Append);
        Send(effects.SendNow.Messages);
        if (effects.CompactTo > LogIndex.Zero)
            _logWriter.CompactTo(effects.CompactTo);
        _snapshots.OnStep(effects);
        if (effects.MembersChanged)
            _members.OnChanged(_core);
        if (!effects.Apply.IsEmpty)
            _applier.Enqueue(effects.Apply.Span);
        foreach (var rejection in effects.Rejections)
            _pendingProposals.Reject(rejection, _core.Leader);
        foreach (var proposal in effects.Indeterminate)
            _pendingProposals.CompleteIndeterminate(proposal);
        foreach (var result in effects.ReadResults)
            _pendingReads.OnReadIndexResult(result);
        foreach (var result in effects.TransferResults)
            _pendingTransfers.OnResult(result);
        foreach (var read in effects.EntriesRequests)
            _logWriter.RequestRead(read);

        // Messages that wait for the disk keep their effects, and with them their pooled message objects, until the write is durable.
        if (effects.SendWhenDurable.Messages.Count > 0)
        {
            Invariant.That(effects.SendWhenDurable.Token > _durableToken, "messages of a durable append are sent at once");
            _awaitingDurable.Enqueue((effects.SendWhenDurable.Token, effects));
            _effects = _spareEffects.TryPop(out var spare) ? spare : new Effects();
        }
    }

    private void Send(IReadOnlyList<Message> messages)
    {
        for (var i = 0; i < messages.Count; i++)
            _network.Send(messages[i]);
    }
}
