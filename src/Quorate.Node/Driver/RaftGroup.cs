using System.Diagnostics.CodeAnalysis;
using Quorate.Node.Divergence;
using Quorate.Node.Repair;
using Quorate.Node.Snapshots;
using Quorate.Node.Threading;
using Quorate.Node.Versions;
using Quorate.Node.Wal;
using Quorate.Raft;

namespace Quorate.Node.Driver;

/// <summary>One member of one Raft group: the core and everything that it needs to run, assembled. It has no threads of its own.</summary>
/// <remarks>
/// <code>
///   RaftNode (threads, files, sockets) ──┐
///                                        ├─► RaftGroup ─► driver ─► core, write-ahead log, proposals, reads, applier, clock, network
///   simulator (virtual ones) ────────────┘
/// </code>
/// The production node and the simulator use this one composition, so what is tested is object for object what runs.
/// Threading: <see cref="RunOnce"/> is called by one thread at a time; requests are added by any thread.
/// </remarks>
internal abstract class RaftGroup : IDisposable
{
    private readonly RaftDriver _driver;
    private readonly TickClock _clock;
    private readonly IApplier _applier;
    private readonly ILoop _loop;
    private readonly PendingTransfers _pendingTransfers = new();
    private volatile StorageHealth _storageHealth;
    private volatile bool _isOnlySpaceFreed;

    private protected RaftGroup(
        RaftGroupOptions options, WriteAheadLog log, RecoveredLog recovered, SnapshotStore snapshots, IApplier applier,
        IPendingProposals pendingProposals, PendingReads pendingReads, GroupDivergence divergence, CancellationToken cancellationToken)
    {
        (Log, _applier, PendingReads, Divergence, _loop) = (log, applier, pendingReads, divergence, options.Loop);
        HasTruncatedTail = recovered.TruncatedTail is not null;
        HardStateRepair = recovered.HardStateRepair;
        var growth = new LogGrowth(options.Snapshots);
        var restored = new StartupRecovery(
            log, snapshots, applier, growth, options.Wal, options.Configuration, options.Features, cancellationToken)
            .Run(recovered);
        Core = CreateCore(options.Raft, restored);
        _clock = new TickClock(options.TimeProvider, options.TickInterval, RaftCore.LateTicksMax);
        var logWriter = new LogWriter(
            log, options.Wal, options.Raft.ElectionTicks, options.DiskWorker, options.Loop, options.Observer);
        Snapshots = new GroupSnapshots(options, snapshots, applier, growth, divergence);
        var network = options.StartNetwork();
        var versions = new ClusterVersionProposer(
            options.Features, () => network.Counters, options.Raft.HeartbeatTicks);
        Members = new GroupMembers(options, Core, network, Snapshots, divergence, versions);
        _driver = new RaftDriver(
            Core, network, options.Features, versions, Members, logWriter, applier, Snapshots, divergence, pendingProposals, pendingReads,
            _pendingTransfers, _clock, options.OnStep, options.Trace);
        options.Trace?.WriteStart(Core);
    }

    public RaftCore Core { get; }

    public WriteAheadLog Log { get; }

    public GroupSnapshots Snapshots { get; }

    /// <summary>The comparison of state hashes, and the quarantine of this member.</summary>
    public GroupDivergence Divergence { get; }

    /// <summary>The members of the group.</summary>
    public GroupMembers Members { get; }

    /// <summary>Whether recovery removed a torn write from the end of the log.</summary>
    public bool HasTruncatedTail { get; }

    /// <summary>
    /// Describes what was wrong with one of the two copies of term and vote, which was written again; null if nothing was.
    /// </summary>
    public string? HardStateRepair { get; }

    /// <summary>The highest index that is applied and visible to readers. Any thread may read it.</summary>
    public LogIndex Applied => _applier.Applied;

    /// <summary>The time until the next iteration is due if no event arrives. Any thread may read it.</summary>
    public TimeSpan UntilNextTick => _clock.UntilNext;

    /// <summary>Whether this member can write its log, as of the last iteration. Any thread may read it.</summary>
    public StorageHealth StorageHealth => _storageHealth;

    /// <summary>The reads without a result.</summary>
    public PendingReads PendingReads { get; }

    /// <summary>The number of proposals without an outcome. Any thread may read it.</summary>
    public abstract int PendingProposalCount { get; }

    /// <summary>
    /// Opens the write-ahead log, applies the committed entries and assembles the group. It neither starts nor owns a thread. A log or a
    /// snapshot that is corrupt is repaired, if the other members can do without this one.
    /// </summary>
    /// <exception cref="IOException">The storage cannot be used, or is corrupt and cannot be repaired. Nothing stays open.</exception>
    /// <exception cref="OperationCanceledException">The start was cancelled; the data on disk is unchanged. Nothing stays open.</exception>
    public static RaftGroup<TResult> Open<TResult>(
        RaftGroupOptions options, IStateMachine<TResult> stateMachine, CancellationToken cancellationToken = default)
    {
        try
        {
            return OpenOnce(options, stateMachine, cancellationToken);
        }
        catch (IOException corruption) when (DirectoryRepair.CanRepair(corruption, options.Identity))
        {
            var setAside = DirectoryRepair.Run(
                options.Storage, options.Identity, options.Wal,
                corruption is SnapshotCorruptionException { File.Length: > 0 } snapshot ? [snapshot.File] : []);
            options.Observer?.OnRepairStarted(corruption, setAside);
            return OpenOnce(options, stateMachine, cancellationToken);
        }
    }

    private static RaftGroup<TResult> OpenOnce<TResult>(
        RaftGroupOptions options, IStateMachine<TResult> stateMachine, CancellationToken cancellationToken)
    {
        var (log, recovered) = WriteAheadLog.Open(options.Storage, options.Wal, options.Identity);
        try
        {
            var snapshots = SnapshotStore.Open(options.Storage, options.ClusterId, GroupId.First, options.SnapshotFiles);
            return RaftGroup<TResult>.Assemble(options, stateMachine, log, recovered, snapshots, cancellationToken);
        }
        catch
        {
            log.Dispose();
            throw;
        }
    }

    /// <summary>Creates a core. The explorer, which runs cores without a driver, creates them here too.</summary>
    public static RaftCore CreateCore(RaftOptions options, DurableState restored) => new RaftCore(options, restored);

    /// <summary>
    /// Runs one iteration. When more messages may have arrived than one iteration takes, it signals the loop for another.
    /// </summary>
    /// <exception cref="IOException">The disk failed.</exception>
    /// <exception cref="StateMachineException">The state machine threw.</exception>
    /// <exception cref="InvariantViolationException">An invariant is false: a bug in this library.</exception>
    public void RunOnce()
    {
        var moreMessages = _driver.RunOnce();
        if (_storageHealth != Core.StorageHealth)
            _storageHealth = Core.StorageHealth;
        if (_isOnlySpaceFreed != Core.IsOnlySpaceFreed)
            _isOnlySpaceFreed = Core.IsOnlySpaceFreed;
        if (moreMessages)
            _loop.Signal();
    }

    /// <summary>Completes the leadership transfers that have ended. Called after an iteration, when its status is published.</summary>
    public void DispatchTransferResults() => _pendingTransfers.Dispatch();

    /// <summary>Whether the disk has space for a command. Any thread may call it.</summary>
    /// <param name="freesSpace">Whether the command takes no lasting space: it may use the reserve.</param>
    public bool HasSpaceFor(bool freesSpace) => freesSpace ? _storageHealth != StorageHealth.Full : !_isOnlySpaceFreed;

    /// <summary>Adds a read and signals the loop. Returns false when the limit of pending reads is reached.</summary>
    public bool TryRead([NotNullWhen(true)] out PendingRead? read, in ReadOptions options = default)
    {
        if (!PendingReads.TryAdd(out read, options))
            return false;
        if (!read.Task.IsCompleted)
            _loop.Signal();
        return true;
    }

    /// <summary>
    /// Requests a leadership transfer and signals the loop. Without a target, the voter that is most likely to take over is chosen.
    /// </summary>
    /// <param name="target">The voter that is to lead, or none.</param>
    /// <param name="ticks">After so many ticks the leader gives the transfer up; 0: after an election timeout.</param>
    public Task<LeadershipTransferResult> TransferLeadershipAsync(NodeId target, int ticks)
    {
        var result = _pendingTransfers.Add(ticket => Input.TransferLeadership(target, ticket, ticks));
        _loop.Signal();
        return result;
    }

    /// <summary>Queues a change of the configuration and signals the loop. Returns false when the queue is full.</summary>
    public abstract bool TryProposeChange(ConfigurationChange change, [NotNullWhen(true)] out Task? outcome);

    /// <summary>Captures a view of the state machine after what it has applied, with the last entry applied.</summary>
    /// <remarks>
    /// The view is null if the state machine takes no snapshots. The task does not complete once the group has stopped.
    /// </remarks>
    public Task<(EntryId Last, IStateMachineSnapshot? View)> CaptureAsync()
    {
        var captured = new TaskCompletionSource<(EntryId, IStateMachineSnapshot?)>(TaskCreationOptions.RunContinuationsAsynchronously);
        _applier.RequestCapture((last, view) => captured.SetResult((last, view)));
        return captured.Task;
    }

    /// <summary>Ends what would keep the workers busy for long, before they are stopped: a snapshot that is written or restored.</summary>
    public void Stop() => Snapshots.Stop();

    /// <summary>
    /// Completes all pending requests when the node stops: reads and transfers with the exception, proposals as indeterminate, except those
    /// that the core was never given, which are rejected.
    /// </summary>
    public virtual void CompletePending(NodeStoppedException stopped)
    {
        PendingReads.FailAll(stopped);
        _pendingTransfers.FailAll(stopped);
    }

    /// <summary>Closes the write-ahead log. The workers must be idle, and stay so.</summary>
    public void Dispose()
    {
        Log.Dispose();
        Snapshots.Dispose();
    }
}
