using Quorate.Node.Driver;
using Quorate.Node.Storage;
using Quorate.Node.Threading;
using Quorate.Node.Transport;
using Quorate.Node.Versions;
using Quorate.Node.Wal;
using Quorate.Raft;
using Quorate.Verification.Simulation.Coverage;
using Quorate.Verification.Simulation.Disk;
using Quorate.Verification.Simulation.Network;
using Quorate.Verification.Simulation.Workload;
using Quorate.Verification.Specification;

namespace Quorate.Verification.Simulation;

/// <summary>
/// One process of a member: the group that a running node has, with virtual time, disk and network. It checks each step.
/// </summary>
internal sealed class SimulatedProcess : ILoop
{
    /// <summary>The address of every member; messages are addressed by ids.</summary>
    private static readonly PeerAddress Anywhere = new("simulated", 1);

    private readonly SimulatedMachine _machine;
    private readonly SimulatedCluster _cluster;
    private readonly CoverageObserver _coverage;
    private readonly IdentityFile _identity;
    private readonly SimulatedHandshakes _handshakes;
    private readonly Refinement? _refinement;
    private int _effectsUntilCut = -1;
    private CoreState _lastState;
    private bool _hasChanged;

    /// <exception cref="IOException">A disk call failed.</exception>
    /// <exception cref="SimulatedCrashException">The power was cut during recovery.</exception>
    public SimulatedProcess(SimulatedCluster cluster, SimulatedMachine machine)
    {
        _machine = machine;
        _cluster = cluster;
        _coverage = new CoverageObserver(cluster.Counters);

        // Peers reject a member with a wiped disk, so to the specification it is a member that stays down.
        _refinement = machine.IsWiped ? null : cluster.Refinement;
        var swarm = cluster.Swarm;
        _identity = machine.OpenIdentity(machine.Disk, machine.DirectoryIdPrng.Next);
        _handshakes = new SimulatedHandshakes(cluster, machine, _identity);
        DiskWorker = new SimulatedWorker(
            cluster.Time, OnEffect, work => machine.RunWork(this, () => RunDiskWork(work)), machine.FlushLatency);
        ApplyWorker = new SimulatedWorker(cluster.Time, OnEffect, work => machine.RunWork(this, work), machine.ApplyLatency);
        StateMachine = cluster.Application.OpenGroup(new RaftGroupOptions
        {
            Raft = cluster.RaftOptionsFor(machine.Id, seed: machine.SeedPrng.Next()),
            Configuration = cluster.InitialConfigurationOf(machine),
            HasFixedMembers = !swarm.ChangesMembers,
            AddressOf = static _ => Anywhere,
            InitialPeers = cluster.Members.Where(m => machine.IsSpare && m != machine)
                .ToDictionary(static m => m.Id, static _ => Anywhere),
            Directories = _handshakes.Directories,
            RemovedAccordingTo = _handshakes.RemovedAccordingTo,
            StatedConfigurations = _handshakes.StatedConfigurations,
            Storage = machine.Disk,
            Identity = _identity,
            Features = new ClusterFeatures(_identity, ClusterVersion.Current),
            Wal = machine.WalOptions,
            Snapshots = cluster.SnapshotPolicy,
            SnapshotFiles = machine.SnapshotOptions,
            ClusterId = SimulatedMachine.ClusterId,
            StateHashInterval = swarm.StateHashInterval,
            TimeProvider = machine.Clock,
            ReadClock = cluster.Leases is null ? null : machine.Clock,
            LeaseClockDriftMax = cluster.Leases?.ClockDriftMax ?? 0,
            TickInterval = TimeSpan.FromMilliseconds(swarm.HeartbeatMs) / 10,
            PendingRequestsMax = swarm.HasTightLimits ? 4 : 1024,
            QueuedProposalBytesMax = 1 << 20,
            Loop = this,
            DiskWorker = DiskWorker,
            ApplyWorker = ApplyWorker,
            SnapshotWorker = NewSnapshotWorker(),
            TransferWorker = NewSnapshotWorker(),
            CompletionDispatchers = InlineCompletionDispatcherFactory.Instance,
            StartNetwork = StartNetwork,
            OnStep = Observe,
            Trace = cluster.Trace,
        });
        if (Group.HasTruncatedTail)
            cluster.Counters.Increment(CoverageMark.TornTailTruncated);
        if (cluster.IsInLivenessPhase)
            cluster.Counters.Increment(CoverageMark.StartedInLivenessPhase);
        _refinement?.OnStart(Core);
        _lastState = CoreState.Of(Core);
        cluster.LogChecker.OnStarted(Core);
    }

    public RaftGroup Group => StateMachine.Group;

    public RaftCore Core => Group.Core;

    public WriteAheadLog Log => Group.Log;

    public IStateMachineHost StateMachine { get; }

    /// <summary>The network of this process; it exists once the log has been recovered.</summary>
    public SimulatedEndpoint Endpoint { get; private set; } = null!;

    public SimulatedWorker DiskWorker { get; }

    public SimulatedWorker ApplyWorker { get; }

    /// <summary>The time until the next tick, by this member's clock.</summary>
    public TimeSpan UntilNextTick => Group.UntilNextTick;

    /// <summary>The state of the core at the last check.</summary>
    public CoreState State => _lastState;

    /// <summary>
    /// Whether nothing is pending: no request of a client, nothing to write, to apply or to acknowledge. All limits are free again.
    /// </summary>
    public bool IsSettled => Core.IsSettled && Group.PendingProposalCount == 0;

    /// <summary>Ends the process in the middle of an iteration: before the n-th effect that it carries out from now on.</summary>
    public void CutAfterEffects(int effects) => _effectsUntilCut = effects;

    /// <summary>
    /// Runs one iteration of the real driver and checks each of its steps. Returns whether the state of the core changed.
    /// </summary>
    public bool RunOnce()
    {
        _hasChanged = false;
        Group.RunOnce();
        Group.DispatchTransferResults();
        return _hasChanged;
    }

    public void Signal() => _machine.Wake(this);

    /// <summary>Requests an iteration, as <see cref="Signal"/> does: in virtual time every iteration has an event of its own.</summary>
    public void TryRunInline() => Signal();

    private SimulatedWorker NewSnapshotWorker() => new(
        _cluster.Time, OnEffect, work => _machine.RunWork(this, () => RunSnapshotWork(work)), _machine.SnapshotLatency);

    /// <summary>A process goes on when its disk is full, and writes again when there is space.</summary>
    private void RunDiskWork(Action work)
    {
        var hadFailed = _machine.Disk.HasFailed;
        work();
        if (!hadFailed && _machine.Disk.HasFailedOnlyForSpace)
            _machine.Disk.ForgiveFailure();
    }

    /// <summary>A process goes on without a snapshot that a full disk or a sector that cannot be read has prevented.</summary>
    private void RunSnapshotWork(Action work)
    {
        var hadFailed = _machine.Disk.HasFailed;
        work();
        if (!hadFailed && !_machine.Disk.HasFailedFlush)
            _machine.Disk.ForgiveFailure();
    }

    private SimulatedEndpoint StartNetwork() => Endpoint = new SimulatedEndpoint(
        _cluster.Network, _machine.Id, _handshakes, OnEffect, Signal, _cluster.Trace);

    private void OnEffect()
    {
        if (_effectsUntilCut >= 0 && _effectsUntilCut-- == 0)
            throw new SimulatedCrashException();
    }

    private void Observe(RaftCore core, in Input input, Effects effects)
    {
        _coverage.Observe(core, input, effects);
        _refinement?.OnStep(core, input, effects);
        CheckTransition(effects.Append.Entries.Span);
        if (effects.Trace.Count > 0)
            _machine.Observe(core, effects.Trace);
    }

    private void CheckTransition(ReadOnlySpan<LogEntry> appended)
    {
        var now = CoreState.Of(Core);
        if (now == _lastState && appended.IsEmpty)
            return;
        RaftInvariants.CheckTransition(_lastState, now);
        if (!appended.IsEmpty)
            _cluster.LogChecker.OnAppended(Core, appended[0].Index);
        if (now.Commit > _lastState.Commit)
            _cluster.LogChecker.OnCommitted(Core, _lastState.Commit);
        _lastState = now;
        _hasChanged = true;
    }
}
