#pragma warning disable RS0026 // The overloads of ProposeAsync differ in the type of their second parameter, so no call is ambiguous.
using System.Collections.Concurrent;
using System.Net;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using Quorate.Node.Backups;
using Quorate.Node.Driver;
using Quorate.Node.Health;
using Quorate.Node.Snapshots;
using Quorate.Node.Storage;
using Quorate.Node.Telemetry;
using Quorate.Node.Threading;
using Quorate.Node.Tracing;
using Quorate.Node.Transport;
using Quorate.Node.Versions;
using Quorate.Raft;

namespace Quorate.Node;

/// <summary>Starts Raft nodes.</summary>
public static class RaftNode
{
    /// <summary>Starts a node: recovers its log, applies the committed entries, and connects to its peers.</summary>
    /// <param name="options">The identity of the node, its data directory, its cluster and its limits.</param>
    /// <param name="stateMachine">
    /// The state machine, in its initial state. The node applies the committed log to it from the beginning.
    /// </param>
    /// <param name="cancellationToken">
    /// Cancels the start, also during the replay of a long log; no file, socket or thread stays open.
    /// </param>
    /// <exception cref="ArgumentException">An option is out of range.</exception>
    /// <exception cref="IOException">
    /// The data directory or a listen address cannot be used, or the data on disk is corrupt. The message states what failed, why, and
    /// what to do.
    /// </exception>
    /// <exception cref="StateMachineException">
    /// The state machine threw while the committed log was applied to it; the inner exception is its own.
    /// </exception>
    /// <exception cref="OperationCanceledException"><paramref name="cancellationToken"/> was cancelled.</exception>
    public static Task<RaftNode<TResult>> StartAsync<TResult>(
        RaftNodeOptions options, IStateMachine<TResult> stateMachine, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(stateMachine);
        options.Validate();
        return Task.Run(() => RaftNode<TResult>.Start(options, stateMachine, cancellationToken), cancellationToken);
    }
}

/// <summary>A running member of a Raft cluster: its write-ahead log, its peer connections and its state machine.</summary>
/// <typeparam name="TResult">The result type of the state machine.</typeparam>
/// <remarks>Threading: every member may be called from any thread.</remarks>
public sealed class RaftNode<TResult> : IRaftNode<TResult>, IAsyncDisposable
{
    private readonly RaftNodeOptions _options;
    private readonly NodeThreads _threads;
    private readonly RaftGroup<TResult> _group;
    private readonly PeerDirectories _peerDirectories;
    private readonly ClusterFeatures _features;
    private readonly ITransport _transport;
    private readonly MembersRefresh _membersRefresh;
    private readonly IStorage _storage;
    private readonly NodeMonitor _monitor;
    private readonly TraceWriter? _trace;
    private readonly LeadershipState _leadership = new();
    private readonly TaskCompletionSource _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _released = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private ulong _lastIndex;
    private ulong _commitIndex;
    private Exception? _fault;
    private volatile bool _stopping;
    private int _disposed;

    private RaftNode(
        RaftNodeOptions options, NodeThreads threads, RaftGroup<TResult> group, PeerDirectories peerDirectories,
        ITransport transport, MembersRefresh membersRefresh, IStorage storage, ClusterFeatures features, NodeMonitor monitor,
        TraceWriter? trace)
    {
        (_options, _threads, _group) = (options, threads, group);
        (_peerDirectories, _transport, _membersRefresh, _storage) = (peerDirectories, transport, membersRefresh, storage);
        (_features, _monitor, _trace) = (features, monitor, trace);
        PublishStatus();
        monitor.Start(group, transport, new RaftMetrics.Source(
            () => Status, () => PendingProposalCount, () => PendingReadCount, () => TransportCounters,
            () => group.Divergence.Level, () => Health));
    }

    /// <summary>The current status of the node.</summary>
    public RaftStatus Status
    {
        get
        {
            // Read against the direction in which an entry advances (last, then commit, then applied), so that applied ≤ commit ≤ last
            // holds in the status.
            var applied = _group.Applied;
            var commit = LogIndex.Max(applied, new LogIndex(Volatile.Read(ref _commitIndex)));
            var last = LogIndex.Max(commit, new LogIndex(Volatile.Read(ref _lastIndex)));
            var (role, term, leader) = _leadership.Read(out _);
            return new RaftStatus
            {
                NodeId = _options.NodeId,
                Role = role,
                Term = term,
                Leader = leader,
                LastIndex = last,
                CommitIndex = commit,
                AppliedIndex = applied,
                ClusterVersion = _features.Current.Version,
                LastLeaderChange = _monitor.LastLeaderChange,
                Quarantine = _group.Divergence.Quarantine,
                StatesDifferWithoutMajority = _group.Divergence.HasNoMajority,
                StorageHealth = _group.StorageHealth,
                IsOnlySpaceFreed = !_group.HasSpaceFor(freesSpace: false),
            };
        }
    }

    /// <summary>The members as this node sees them, in id order: their last contact and, if this node leads, how far they follow.</summary>
    public IReadOnlyList<MemberStatus> Members => _monitor.GetMembers(_group.Divergence, _group.Members.State.Current.Configuration);

    /// <summary>The configuration in force as this node knows it; it may not be committed yet.</summary>
    public ConfigurationAt Configuration => _group.Members.State.Current;

    /// <summary>The committed configuration, as far as this node knows.</summary>
    public ConfigurationAt CommittedConfiguration => _group.Members.State.Committed;

    /// <summary>The health of the cluster in one answer, as this node sees it: quorum, failure tolerance, and what is wrong.</summary>
    public ClusterHealth Health => HealthAssessment.Assess(_monitor.Health.Observe(_transport.Counters, _group.Divergence.Status));

    /// <summary>The number of proposals made on this node that have no outcome yet. Threading: takes a lock; do not poll it.</summary>
    public int PendingProposalCount => _group.PendingProposalCount;

    /// <summary>The number of read requests made on this node that have no result yet.</summary>
    public int PendingReadCount => _group.PendingReads.Count;

    /// <summary>
    /// The end points on which this node listens for its peers: with port 0 in the options, the port that the system chose. Empty if the
    /// transport of the node listens on none.
    /// </summary>
    public IReadOnlyList<IPEndPoint> ListenEndPoints => _transport.ListenEndPoints;

    /// <summary>Counters of the network traffic.</summary>
    public TransportCounters TransportCounters => _transport.Counters;

    /// <summary>
    /// Completes when the node has stopped: successfully after <see cref="DisposeAsync"/>; with the exception that stopped it when the
    /// disk, the state machine or an invariant failed. A failed node acknowledges nothing more; its process should exit.
    /// </summary>
    public Task Completion => _completion.Task;

    /// <inheritdoc/>
    public ValueTask<ProposalResult<TResult>> ProposeAsync(ReadOnlyMemory<byte> command, CancellationToken cancellationToken = default) =>
        ProposeAsync(command, default, cancellationToken);

    /// <inheritdoc/>
    public ValueTask<ProposalResult<TResult>> ProposeAsync(
        ReadOnlyMemory<byte> command, ProposalOptions options, CancellationToken cancellationToken = default)
    {
        if (cancellationToken.IsCancellationRequested)
            return ValueTask.FromCanceled<ProposalResult<TResult>>(cancellationToken);
        if (_stopping)
            return ValueTask.FromException<ProposalResult<TResult>>(CreateStopped());
        if (_group.Divergence.Quarantine is not null)
            return ValueTask.FromResult(ProposalResult<TResult>.Rejected(RejectReason.Quarantined, _leadership.Read(out _).Leader));
        if (command.Length > _options.MaxCommandBytes)
            return ValueTask.FromResult(ProposalResult<TResult>.Rejected(RejectReason.TooLarge, _leadership.Read(out _).Leader));

        if (!_group.HasSpaceFor(options.FreesSpace))
            return ValueTask.FromResult(ProposalResult<TResult>.Rejected(RejectReason.NoSpace, _leadership.Read(out _).Leader));

        if (options.ExpectedTerm is { } expected && _leadership.Read(out _) is var current && current.Leader == NodeId.None)
        {
            var reason = current.Term == expected ? RejectReason.NoLeader : RejectReason.TermMismatch;
            return ValueTask.FromResult(ProposalResult<TResult>.Rejected(reason, NodeId.None));
        }

        if (!_group.TryPropose(command, options.ExpectedTerm ?? Term.Zero, out var id, out var outcome))
            return ValueTask.FromResult(ProposalResult<TResult>.Rejected(RejectReason.Busy, _leadership.Read(out _).Leader));
        if (_stopping)
            _group.Withdraw(id);
        return _stopping || cancellationToken.CanBeCanceled
            ? WaitAsync(id, outcome, cancellationToken)
            : new ValueTask<ProposalResult<TResult>>(outcome);
    }

    /// <inheritdoc/>
    public ValueTask<ReadResult> ReadBarrierAsync(CancellationToken cancellationToken = default) =>
        ReadBarrierAsync(default, cancellationToken);

    /// <inheritdoc/>
    public ValueTask<ReadResult> ReadBarrierAsync(ReadOptions options, CancellationToken cancellationToken = default)
    {
        options.Validate();
        if (cancellationToken.IsCancellationRequested)
            return ValueTask.FromCanceled<ReadResult>(cancellationToken);
        if (_stopping)
            return ValueTask.FromException<ReadResult>(CreateStopped());

        if (_group.Divergence.Quarantine is not null)
            return ValueTask.FromResult(ReadResult.Rejected(RejectReason.Quarantined));
        if (!_group.TryRead(out var read, options))
            return ValueTask.FromResult(ReadResult.Rejected(RejectReason.Busy));

        if (_stopping)
            read.Fail(CreateStopped());
        return cancellationToken.CanBeCanceled ? WaitAsync(read, cancellationToken) : new ValueTask<ReadResult>(read.Task);
    }

    /// <inheritdoc/>
    public async ValueTask<RaftStatus> WaitForLeaderAsync(CancellationToken cancellationToken = default)
    {
        while (true)
        {
            if (_leadership.Read(out var changed).Leader != NodeId.None)
                return Status;
            if (!await LeadershipState.WaitAsync(changed, cancellationToken).ConfigureAwait(false))
                throw CreateStopped();
        }
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<RaftStatus> WatchLeadershipAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var isOpen = true;
        while (isOpen)
        {
            cancellationToken.ThrowIfCancellationRequested();
            _leadership.Read(out var changed);
            yield return Status;
            isOpen = await LeadershipState.WaitAsync(changed, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <inheritdoc/>
    public async ValueTask<LeadershipTransferResult> TransferLeadershipAsync(
        NodeId target = default, TimeSpan? timeout = null, CancellationToken cancellationToken = default)
    {
        if (timeout is { } time && (time <= TimeSpan.Zero || time > TimeSpan.FromDays(1)))
            throw new ArgumentOutOfRangeException(nameof(timeout), time, "The timeout must be positive and at most one day.");
        cancellationToken.ThrowIfCancellationRequested();
        if (_stopping)
            throw CreateStopped();
        var ticks = (int)Math.Ceiling((timeout ?? TimeSpan.Zero) / _options.TickInterval);
        var result = _group.TransferLeadershipAsync(target, ticks);
        await Task.WhenAny(result, _completion.Task).WaitAsync(cancellationToken).ConfigureAwait(false);
        return result.IsCompleted ? await result.ConfigureAwait(false) : throw CreateStopped();
    }

    /// <inheritdoc/>
    public async ValueTask<LeadershipTransferResult> StepDownAsync(CancellationToken cancellationToken = default)
    {
        var timeout = _options.ElectionTimeout / 2;
        var result = await TransferLeadershipAsync(default, timeout, cancellationToken).ConfigureAwait(false);

        // The target may be unable to lead, for example because its disk is full. The core chooses another one next.
        return result.Failure is TransferFailure.Expired or TransferFailure.TargetLags or TransferFailure.TargetUnreachable
            ? await TransferLeadershipAsync(default, timeout, cancellationToken).ConfigureAwait(false)
            : result;
    }

    /// <summary>Changes the members of the cluster: any set of changes takes effect together, in one joint configuration.</summary>
    /// <remarks>
    /// It may be called on any member. It completes when the new configuration is committed; with a result that is rejected, nothing has
    /// changed, and <see cref="ProposalResult{TResult}.Reason"/> states why. Durability: a majority of the old and one of the new voters
    /// have the new configuration on their disks.
    /// </remarks>
    /// <param name="change">The changes, and the configuration to which they apply.</param>
    /// <param name="cancellationToken">
    /// Stops waiting. Always pass a token: without a quorum there may be no outcome. A change that is in the log is completed all the same.
    /// </param>
    /// <returns>The outcome, and the configuration that is committed when it completes.</returns>
    /// <exception cref="ArgumentException">The change is empty or too large.</exception>
    /// <exception cref="OperationCanceledException">The caller cancelled.</exception>
    /// <exception cref="NodeStoppedException">The node has stopped.</exception>
    public async ValueTask<ProposalResult<ConfigurationAt>> ChangeConfigurationAsync(
        ConfigurationChange change, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(change);
        change.Validate();
        cancellationToken.ThrowIfCancellationRequested();
        if (_stopping)
            throw CreateStopped();
        if (!_group.TryPropose(change, out var id, out var outcome))
            return ProposalResult<ConfigurationAt>.Rejected(RejectReason.Busy, _leadership.Read(out _).Leader);
        if (_stopping)
            _group.Withdraw(id);
        var result = await WaitAsync(id, outcome, cancellationToken).ConfigureAwait(false);
        if (result.Outcome == ProposalOutcome.Rejected)
            return ProposalResult<ConfigurationAt>.Rejected(result.Reason!.Value, result.Leader);
        if (result.Outcome == ProposalOutcome.Indeterminate)
            return ProposalResult<ConfigurationAt>.Indeterminate;

        // The change is decided: this leader, or the next one, completes it. A node that it removes stops soon afterwards.
        for (var isOpen = true; ;)
        {
            var (_, committed) = _group.Members.State.Read(out var changed);
            if (committed.Index >= result.Entry.Index && !committed.Configuration.IsJoint)
                return ProposalResult<ConfigurationAt>.Committed(result.Entry, committed);
            if (!isOpen)
                throw CreateStopped();
            isOpen = await LeadershipState.WaitAsync(changed, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Captures the state of the state machine, to write it to a backup file.</summary>
    /// <remarks>
    /// Call <see cref="ReadBarrierAsync(CancellationToken)"/> before: then the backup contains every command that any member acknowledged
    /// before that call. Without it, the backup contains what this member has applied, and needs no quorum.
    /// Durability: nothing is written by this method. Proposals are not delayed, neither by it nor while the backup is written.
    /// </remarks>
    /// <param name="cancellationToken">Stops waiting.</param>
    /// <exception cref="NotSupportedException">The state machine takes no snapshots.</exception>
    /// <exception cref="NodeQuarantinedException">The state of this node is wrong.</exception>
    /// <exception cref="OperationCanceledException">The caller cancelled.</exception>
    /// <exception cref="NodeStoppedException">The node has stopped.</exception>
    public async Task<Backup> CaptureBackupAsync(CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (_stopping)
            throw CreateStopped();
        if (_group.Divergence.Quarantine is { } quarantine)
            throw new NodeQuarantinedException(quarantine);
        var capture = _group.CaptureAsync();
        try
        {
            await Task.WhenAny(capture, _completion.Task).WaitAsync(cancellationToken).ConfigureAwait(false);
            if (!capture.IsCompleted)
                throw CreateStopped();
        }
        catch
        {
            _ = DisposeWhenCapturedAsync(capture);
            throw;
        }

        var (last, view) = await capture.ConfigureAwait(false);
        return view is not null
            ? new Backup(_options.ClusterId, last, _group.Members.State.Committed.Configuration, view)
            : throw new NotSupportedException("The state machine takes no snapshots: its CaptureSnapshot returns null.");
    }

    /// <summary>
    /// Stops the node. A leader first transfers its leadership to another member. Then new requests are rejected, pending proposals are
    /// given time to complete, and everything that was acknowledged is on disk. Every call of this method completes when the data directory
    /// and the port are free, at the latest five seconds and an election timeout after the first call.
    /// </summary>
    /// <remarks>
    /// The transfer and the pending proposals together take at most an election timeout, usually some milliseconds. What is pending then
    /// has no outcome: proposals are indeterminate, except those that were still waiting for a leader, which were never proposed.
    /// <para>
    /// A disk may not complete a call for minutes, or never, and a state machine may not return. Pending requests complete at once all the
    /// same. After five seconds this method logs a warning and completes too; what it could not release is released in the background when
    /// the call returns. Until then the data directory stays locked, because the call may still write to it: a node that is started in the
    /// directory meanwhile is refused. The threads that wait are background threads, so the process can exit.
    /// </para>
    /// </remarks>
    public ValueTask DisposeAsync() => StopOnceAsync(isAbort: false);

    /// <summary>
    /// Stops the node as <see cref="DisposeAsync"/> does, at once: it transfers no leadership and waits for no pending request. To the
    /// other members it is as if its process had been killed.
    /// </summary>
    public ValueTask AbortAsync() => StopOnceAsync(isAbort: true);

    private async ValueTask StopOnceAsync(bool isAbort)
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            await _released.Task.ConfigureAwait(false);
            return;
        }

        try
        {
            if (!isAbort)
                await HandOverAsync().ConfigureAwait(false);
            await StopAsync().ConfigureAwait(false);
        }
        finally
        {
            _released.SetResult();
        }
    }

    /// <summary>Transfers leadership, then lets pending proposals complete: both together for at most an election timeout.</summary>
    private async Task HandOverAsync()
    {
        var timeout = Task.Delay(_options.ElectionTimeout);
        if (_group.Members.State.Current.Configuration.Members.Length > 1 && _leadership.Read(out _).Role == Role.Leader)
            await Task.WhenAny(TryStepDownAsync(), timeout).ConfigureAwait(false);

        // Without a leader nothing completes.
        _stopping = true;
        _group.RejectQueuedProposals();
        if (_leadership.Read(out _).Leader != NodeId.None)
            await Task.WhenAny(_group.WhenNoProposalIsPendingAsync(), _completion.Task, timeout).ConfigureAwait(false);
    }

    private async Task TryStepDownAsync()
    {
        try
        {
            await StepDownAsync().ConfigureAwait(false);
        }
        catch (NodeStoppedException)
        {
            // It has failed meanwhile, or did not respond in time; the stop goes on.
        }
    }

    internal static RaftNode<TResult> Start(
        RaftNodeOptions options, IStateMachine<TResult> stateMachine, CancellationToken cancellationToken = default)
    {
        RaftNode<TResult>? node = null;
        IStorage? storage = null;
        ITransport? transport = null;
        RaftGroup<TResult>? group = null;
        MembersRefresh? refresh = null;
        var threads = new NodeThreads(options.NodeId);
        var monitor = new NodeMonitor(options);
        var trace = options.TraceStream is { } target
            ? TraceWriter.ForMember(target, options.NodeId, options.Members.Keys.Order(), options.TimeProvider, monitor.OnTraceFailed)
            : null;
        try
        {
            storage = options.StorageFactory?.Invoke(options.DataDirectory) ?? new FileStorage(options.DataDirectory);
            var identity = IdentityFile.Open(
                storage, options.ClusterId, options.NodeId,
                options.IsJoining ? Raft.Configuration.None : new Configuration(options.Members.Keys), options.DataDirectoryAttributes,
                versionMax: options.ClusterVersionMax);
            var features = new ClusterFeatures(identity, options.ClusterVersionMax);
            var directories = new ConcurrentQueue<(NodeId Peer, DirectoryId Directory)>();
            var removedAccordingTo = new ConcurrentDictionary<NodeId, bool>();
            var peerDirectories = new PeerDirectories(
                identity,
                peer => group?.Members.State.Current.Configuration.Find(peer)?.Directory ?? DirectoryId.None,
                (peer, directory) => directories.Enqueue((peer, directory)),
                threads.Loop.Signal);
            var statedConfigurations = new ConcurrentQueue<ConfigurationAt>();
            refresh = new MembersRefresh(
                options,
                () => group?.Members.PeerAddresses,
                stated =>
                {
                    // Each iteration empties the queue; a peer that is asked again while the loop hangs adds nothing.
                    if (statedConfigurations.Count < Raft.Configuration.MembersMax)
                        statedConfigurations.Enqueue(stated);
                    threads.Loop.Signal();
                });

            bool WasRemoved(NodeId peer) => node is not null && node._group.Members.WasRemoved(peer, node._leadership.Read(out _).Leader);
            void OnTransportEvent(TransportEvent transportEvent)
            {
                if (transportEvent is { Kind: TransportEventKind.RejectedByPeer, Rejection: HandshakeRejection.MemberRemoved }
                    && removedAccordingTo.TryAdd(transportEvent.Peer, true))
                    threads.Loop.Signal();
                if (MembersRefresh.IsDueAfter(transportEvent))
                    refresh.Request();
                monitor.OnTransportEvent(transportEvent);
            }

            group = RaftGroup.Open(
                new RaftGroupOptions
                {
                    Raft = options.ToRaftOptions(options.Seed ?? GenerateSeed()),
                    Configuration = identity.Identity.InitialConfiguration,
                    AddressOf = options.AddressOf,
                    InitialPeers = options.Members.Where(member => member.Key != options.NodeId).ToDictionary(),
                    Directories = directories,
                    RemovedAccordingTo = removedAccordingTo,
                    StatedConfigurations = statedConfigurations,
                    Storage = storage,
                    Identity = identity,
                    Features = features,
                    Wal = options.ToWalOptions(),
                    Snapshots = options.ToSnapshotPolicy(),
                    SnapshotFiles = new SnapshotOptions(),
                    ClusterId = options.ClusterId,
                    StateHashInterval = options.StateHashInterval,
                    TimeProvider = options.TimeProvider,
                    ReadClock = options.ReadClock,
                    LeaseClockDriftMax = options.LeaseClockDriftMax,
                    TickInterval = options.TickInterval,
                    PendingRequestsMax = options.MaxPendingRequests,
                    QueuedProposalBytesMax = options.MaxUncommittedBytes,
                    Loop = threads.Loop,
                    DiskWorker = threads.Disk,
                    ApplyWorker = threads.Apply,
                    SnapshotWorker = threads.Snapshot,
                    TransferWorker = threads.Transfer,
                    CompletionDispatchers = ThreadPoolCompletionDispatcherFactory.Instance,
                    StartNetwork = () => transport = StartTransport(
                        options, peerDirectories, features, threads.Loop.TryRunInline, OnTransportEvent, WasRemoved,
                        () => group?.Members?.State.Committed is { } committed ? options.WithAddresses(committed) : null),
                    Observer = monitor.IsEnabled ? monitor : null,
                    OnStep = monitor.OnStep,
                    Trace = trace,
                },
                stateMachine,
                cancellationToken);
            node = new RaftNode<TResult>(options, threads, group, peerDirectories, transport!, refresh, storage, features, monitor, trace);
            threads.Start(node.RunOnce, () => group.UntilNextTick, node.OnStopped);
            return node;
        }
        catch
        {
            // The system may have failed to start a thread: stop the transport and the other threads before the data directory is released.
            transport?.DisposeAsync().AsTask().GetAwaiter().GetResult();
            refresh?.DisposeAsync().AsTask().GetAwaiter().GetResult();
            threads.Dispose();
            group?.Dispose();
            (storage as IDisposable)?.Dispose();
            throw;
        }
    }

    private static ITransport StartTransport(
        RaftNodeOptions options, PeerDirectories peerDirectories, ClusterFeatures features, Action onReady,
        Action<TransportEvent> onEvent, Func<NodeId, bool> wasRemoved, Func<ConfigurationAt?> committedConfiguration)
    {
        var start = options.TransportFactory ?? TcpTransport.Start;
        var transport = start(new TransportStartContext
        {
            NodeId = options.NodeId,
            ClusterId = options.ClusterId,
            Peers = options.Members.Where(member => member.Key != options.NodeId).ToDictionary(),
            ListenEndPoints = options.ListenEndPoints ?? [options.Members[options.NodeId]],
            Names = options.MemberNames,
            MaxFrameBytes = options.MaxFrameBytes,
            TimeProvider = options.TimeProvider,
            OnReady = onReady,
            OnEvent = onEvent,
            DirectoryId = peerDirectories.Own,
            TryRecordDirectory = peerDirectories.TryRecord,
            WasRemoved = wasRemoved,
            CommittedConfiguration = committedConfiguration,
            Secret = options.PeerSecret,
            Version = options.ClusterVersionMax,
            ClusterVersion = () => features.Current.Version,
        });
        return transport ?? throw new InvalidOperationException("TransportFactory returned null; it must return a started transport.");
    }

    private static ulong GenerateSeed()
    {
        Span<byte> bytes = stackalloc byte[8];
        RandomNumberGenerator.Fill(bytes);
        return BitConverter.ToUInt64(bytes);
    }

    private void RunOnce()
    {
        _monitor.OnIteration();
        _peerDirectories.ThrowIfFailed();
        _group.RunOnce();
        PublishStatus();
        _group.DispatchTransferResults();
    }

    /// <summary>Called after the last iteration. With a fault, the node has failed.</summary>
    private void OnStopped(Exception? fault)
    {
        if (fault is not null)
        {
            _fault = fault;
            _stopping = true;
            _leadership.Close(_group.Core.Term);
            _group.Members.State.Close();

            // First the connections close, so that the peers elect another leader; then pending requests complete; then the exception is
            // published. A connection may be recording its peer on a disk that hangs; it is not waited for without a bound.
            _transport.DisposeAsync().AsTask().Wait(_options.StopWaitMax);
            _group.CompletePending(CreateStopped());
            _trace?.WriteEnd(_options.NodeId, fault.Message);
            _monitor.Stop(fault);
            _completion.TrySetException(fault);
            return;
        }

        _leadership.Close(_group.Core.Term);
        _group.Members.State.Close();
        _group.CompletePending(CreateStopped());
        _trace?.WriteEnd(_options.NodeId, "stopped");
    }

    private async Task StopAsync()
    {
        _stopping = true;
        _group.Stop();

        // On a thread of its own, in the background: each step may wait for a disk or a state machine that never responds.
        var release = Task.Factory.StartNew(
            Release, CancellationToken.None, TaskCreationOptions.LongRunning | TaskCreationOptions.DenyChildAttach, TaskScheduler.Default);
        var isBounded = _options.StopWaitMax != Timeout.InfiniteTimeSpan;
        if (!isBounded || await Task.WhenAny(release, Task.Delay(_options.StopWaitMax)).ConfigureAwait(false) == release)
            await release.ConfigureAwait(false);
        else
            _monitor.OnStopTimedOut(_options.StopWaitMax);
        _group.CompletePending(CreateStopped());
        _monitor.Stop(fault: null);
        _completion.TrySetResult();
    }

    /// <summary>
    /// Ends the threads, and closes the transport, the files and last the data directory: its lock is held until no call of this node can
    /// write to it any more.
    /// </summary>
    private void Release()
    {
        _threads.StopLoop();
        _transport.DisposeAsync().AsTask().GetAwaiter().GetResult();
        _membersRefresh.DisposeAsync().AsTask().GetAwaiter().GetResult();
        _threads.Dispose();
        _group.Dispose();
        _trace?.Dispose();
        (_storage as IDisposable)?.Dispose();
    }

    private static async Task DisposeWhenCapturedAsync(Task<(EntryId Last, IStateMachineSnapshot? View)> capture)
    {
        var (_, view) = await capture.ConfigureAwait(false);
        view?.Dispose();
    }

    private void PublishStatus()
    {
        var core = _group.Core;
        Volatile.Write(ref _lastIndex, core.LastIndex.Value);
        Volatile.Write(ref _commitIndex, core.CommitIndex.Value);
        _leadership.Write(core.Role, core.Term, core.Leader);
    }

    private NodeStoppedException CreateStopped() => _fault is { } fault
        ? new NodeStoppedException(
            $"Node {_options.NodeId} has failed: {fault.Message.TrimEnd('.')}. Send the request to another member.", fault)
        : new NodeStoppedException($"Node {_options.NodeId} has stopped. Send the request to another member.");

    private async ValueTask<ProposalResult<TResult>> WaitAsync(
        ProposalId id, Task<ProposalResult<TResult>> outcome, CancellationToken cancellationToken)
    {
        var registration = cancellationToken.UnsafeRegister(
            static state =>
            {
                var (group, proposal) = ((RaftGroup<TResult>, ProposalId))state!;
                group.Withdraw(proposal);
            },
            (_group, id));
        try
        {
            var result = await outcome.ConfigureAwait(false);
            if (result.Reason != RejectReason.NoLeader)
                return result;

            // It was withdrawn from the queue, in which it waited for a leader: it was never proposed.
            cancellationToken.ThrowIfCancellationRequested();
            return _stopping ? throw CreateStopped() : result;
        }
        finally
        {
            registration.Unregister();
        }
    }

    private static async ValueTask<ReadResult> WaitAsync(PendingRead read, CancellationToken cancellationToken)
    {
        var registration = cancellationToken.UnsafeRegister(static (state, token) => ((PendingRead)state!).Cancel(token), read);
        try
        {
            return await read.Task.ConfigureAwait(false);
        }
        finally
        {
            registration.Unregister();
        }
    }
}
