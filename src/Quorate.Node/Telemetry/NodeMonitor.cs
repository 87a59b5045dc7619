using System.Globalization;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Quorate.Node.Divergence;
using Quorate.Node.Driver;
using Quorate.Node.Health;
using Quorate.Node.Transport;
using Quorate.Node.Versions;
using Quorate.Raft;

namespace Quorate.Node.Telemetry;

/// <summary>
/// Observes one node and reports what its operator needs: leader changes with their reasons, silent peers, slow disks and state machines,
/// and pauses of the process, as log messages and metrics.
/// </summary>
/// <remarks>
/// Threading: <see cref="OnStep"/> and <see cref="OnIteration"/> are called by the loop, the methods of <see cref="IGroupObserver"/> by the
/// threads that did the work, <see cref="OnTransportEvent"/> by any thread.
/// </remarks>
internal sealed class NodeMonitor : IGroupObserver
{
    /// <summary>A pause that is shorter has no consequences for the cluster.</summary>
    private static readonly TimeSpan PauseMin = TimeSpan.FromSeconds(1);

    private readonly RaftNodeOptions _options;
    private readonly ILogger _log;
    private readonly RaftMetrics? _metrics;
    private readonly LogMessageThrottle _flushThrottle;
    private readonly LogMessageThrottle _termThrottle;
    private readonly LogMessageThrottle _applyThrottle;
    private readonly LogMessageThrottle _callbackThrottle;
    private readonly HashSet<NodeId> _silentPeers = [];
    private LeaderChangeReason _reason;
    private NodeId _leader;
    private long _leaderChangedAt;
    private long _lastIteration;
    private int _ticks;
    private volatile LeaderChange? _lastLeaderChange;
    private volatile (NodeId Node, ReplicationProgress Progress)[] _progress = [];

    public NodeMonitor(RaftNodeOptions options)
    {
        _options = options;
        _log = options.LoggerFactory?.CreateLogger("Quorate.Node") ?? NullLogger.Instance;
        _metrics = options.Meter is { } meter ? new RaftMetrics(meter, options.NodeId) : null;
        _flushThrottle = new LogMessageThrottle(options.TimeProvider);
        _termThrottle = new LogMessageThrottle(options.TimeProvider);
        _applyThrottle = new LogMessageThrottle(options.TimeProvider);
        _callbackThrottle = new LogMessageThrottle(options.TimeProvider);
        _leaderChangedAt = options.TimeProvider.GetTimestamp();
        Health = new HealthTracker(options);
    }

    /// <summary>What is known of the health of the cluster.</summary>
    public HealthTracker Health { get; }

    /// <summary>Returns the counters of the transport. <see cref="Start"/> sets it.</summary>
    public Func<TransportCounters> Counters { get; set; } = static () => new TransportCounters();

    /// <summary>Whether durations are used. If not, the group does not read the clock for them.</summary>
    public bool IsEnabled => _metrics is not null || IsLogging;

    /// <summary>The last change of the leader, or null. Any thread may read it.</summary>
    public LeaderChange? LastLeaderChange => _lastLeaderChange;

    private bool IsLogging => _log.IsEnabled(LogLevel.Warning);

    /// <summary>Starts to report a node that has recovered.</summary>
    public void Start(RaftGroup group, ITransport transport, RaftMetrics.Source source)
    {
        Counters = () => transport.Counters;
        _metrics?.Start(source);
        if (group.HasTruncatedTail)
            NodeLogMessages.TornWriteRemoved(_log);
        if (group.HardStateRepair is { } description)
            NodeLogMessages.HardStateRepaired(_log, description);
        var core = group.Core;
        Health.Start(core);
        NodeLogMessages.Started(_log, NameOf(core.Self), core.Term.Value, core.LastIndex.Value, core.CommitIndex.Value);
        if (core.Configuration is { IsEmpty: false } configuration && !configuration.Members.SequenceEqual(_options.Members.Keys.Order()))
        {
            NodeLogMessages.OptionsDiffer(
                _log, string.Join(' ', _options.Members.Keys.Order().Select(NameOf)),
                string.Join(' ', configuration.Members.Select(NameOf)));
        }
    }

    /// <summary>Reports that the node has stopped.</summary>
    public void Stop(Exception? fault)
    {
        _metrics?.Stop();
        if (fault is not null)
            NodeLogMessages.Failed(_log, NameOf(_options.NodeId), fault.Message, fault);
    }

    /// <summary>Reports that the node has stopped without waiting any longer for a call of its disk or its state machine.</summary>
    public void OnStopTimedOut(TimeSpan waited) => NodeLogMessages.StopTimedOut(_log, NameOf(_options.NodeId), waited.TotalSeconds);

    /// <summary>Observes one step of the core.</summary>
    public void OnStep(RaftCore core, in Input input, Effects effects)
    {
        foreach (var traceEvent in effects.Trace)
            OnTrace(core, traceEvent);
        if (core.Leader != _leader)
            OnLeaderChanged(core);
        Health.OnStep(core, input);
        if (input.Kind == InputKind.Tick && ++_ticks % RaftNodeOptions.HeartbeatTicks == 0)
            OnHeartbeatInterval(core);
    }

    /// <summary>Observes that an iteration begins. The loop runs one in every tick, unless the process stands still.</summary>
    public void OnIteration()
    {
        if (!IsLogging)
            return;
        var now = _options.TimeProvider.GetTimestamp();
        if (_lastIteration != 0 && _options.TimeProvider.GetElapsedTime(_lastIteration, now) is var pause && pause >= PauseMin)
            NodeLogMessages.ProcessPaused(_log, pause.TotalSeconds);
        _lastIteration = now;
    }

    public void OnFlushed(TimeSpan duration)
    {
        _metrics?.OnFlushed(duration);
        Health.OnFlushed(duration);
        if (duration >= SlowMin && _flushThrottle.ShouldLog())
            NodeLogMessages.SlowFlush(_log, duration.TotalSeconds);
    }

    public void OnApplied(int entries, TimeSpan duration)
    {
        _metrics?.OnApplied(entries, duration);
        if (duration >= SlowMin && _applyThrottle.ShouldLog())
            NodeLogMessages.SlowApply(_log, duration.TotalSeconds, entries);
    }

    public void OnCommitted(TimeSpan duration) => _metrics?.OnCommitted(duration);

    public void OnSnapshotWritten(LogIndex last, long bytes, TimeSpan duration) =>
        NodeLogMessages.SnapshotWritten(_log, last.Value, bytes, duration.TotalSeconds);

    public void OnSnapshotFailed(Exception fault) => NodeLogMessages.SnapshotFailed(_log, fault.Message, fault);

    public void OnRepairStarted(IOException corruption, IReadOnlyList<string> setAside) =>
        NodeLogMessages.RepairStarted(_log, NodeLogMessages.Describe(corruption), string.Join(", ", setAside), corruption);

    public void OnClusterVersion(ClusterVersion before, ClusterVersion now) => NodeLogMessages.ClusterVersionChanged(_log, before, now);

    public void OnDivergence(in DivergenceEvent found)
    {
        switch (found.Kind)
        {
            case DivergenceKind.PeerDiverges:
                NodeLogMessages.MemberDiverges(_log, NameOf(found.Peer), found.Index.Value, Format(found.Other), Format(found.Own));
                break;
            case DivergenceKind.NoMajority:
                NodeLogMessages.StatesDiffer(_log, found.Index.Value);
                break;
            default:
                break;
        }
    }

    public void OnQuarantined(Quarantine quarantine) =>
        NodeLogMessages.Quarantined(_log, NameOf(_options.NodeId), quarantine.Reason, _options.DataDirectory);

    public void OnTransportEvent(TransportEvent transportEvent)
    {
        if (transportEvent.Kind is TransportEventKind.Connected or TransportEventKind.Accepted or TransportEventKind.Lost)
            NodeLogMessages.PeerConnection(_log, NameOf(transportEvent.Peer), transportEvent.Text);
        else
            NodeLogMessages.PeerWarning(_log, NameOf(transportEvent.Peer), transportEvent.Text);
        try
        {
            _options.OnTransportEvent?.Invoke(transportEvent);
        }
        catch (Exception e)
        {
            OnCallbackFailed(nameof(RaftNodeOptions.OnTransportEvent), e);
        }
    }

    /// <summary>Reports that the trace has ended, because its stream threw.</summary>
    public void OnTraceFailed(Exception fault) => NodeLogMessages.TraceFailed(_log, fault.Message, fault);

    /// <summary>The members as this node sees them, in id order. Any thread may call it.</summary>
    public IReadOnlyList<MemberStatus> GetMembers(GroupDivergence divergence, Configuration configuration)
    {
        var (peers, progress, diverging) = (Counters().Peers, _progress, divergence.Diverging);
        return [.. configuration.Members.Select(member => new MemberStatus
        {
            NodeId = member,
            SinceLastContact = peers.FirstOrDefault(peer => peer.Peer == member)?.SinceLastContact,
            IsVoter = configuration.IsVoter(member),
            Progress = progress.FirstOrDefault(follower => follower.Node == member).Progress,
            Diverges = diverging.Contains(member) || (member == _options.NodeId && divergence.Quarantine is not null),
        })];
    }

    /// <summary>A flush or an apply that takes longer than a heartbeat interval delays every write noticeably.</summary>
    private TimeSpan SlowMin => _options.HeartbeatInterval > TimeSpan.FromMilliseconds(100)
        ? _options.HeartbeatInterval
        : TimeSpan.FromMilliseconds(100);

    private void OnTrace(RaftCore core, in TraceEvent traceEvent)
    {
        switch (traceEvent.Kind)
        {
            case TraceKind.LeaderLost:
                _reason = LeaderChangeReason.ConnectionClosed;
                break;
            case TraceKind.QuorumLost:
                _reason = LeaderChangeReason.QuorumLost;
                break;
            case TraceKind.DiskStalled:
                _reason = LeaderChangeReason.DiskStalled;
                break;
            case TraceKind.LeaderQuarantined:
                _reason = LeaderChangeReason.Quarantined;
                break;
            case TraceKind.DiskSlow:
                _reason = LeaderChangeReason.DiskSlow;
                break;
            case TraceKind.TransferStarted:
                if (_reason == LeaderChangeReason.Started)
                    _reason = LeaderChangeReason.Transferred;
                _metrics?.OnTransfer(_reason);
                NodeLogMessages.TransferStarted(
                    _log, traceEvent.Term.Value, NameOf(traceEvent.Peer), NodeLogMessages.Describe(_reason));
                break;
            case TraceKind.TransferExpired:
                _reason = LeaderChangeReason.Started;
                NodeLogMessages.TransferExpired(_log, traceEvent.Term.Value, NameOf(traceEvent.Peer));
                break;
            case TraceKind.StorageHealthChanged:
                _metrics?.OnStorageHealthChanged(core.StorageHealth);
                NodeLogMessages.StorageHealthChanged(_log, NodeLogMessages.Describe(core.StorageHealth));
                break;
            case TraceKind.QuorumShortOfSpace:
                NodeLogMessages.QuorumShortOfSpace(_log);
                break;
            case TraceKind.QuorumHasSpace:
                NodeLogMessages.QuorumHasSpace(_log);
                break;
            case TraceKind.BecamePreCandidate when _leader != NodeId.None && _reason == LeaderChangeReason.Started:
                _reason = LeaderChangeReason.ElectionTimeout;
                break;
            case TraceKind.BecameCandidate:
                _metrics?.OnElection();
                NodeLogMessages.ElectionStarted(_log, traceEvent.Term.Value);
                break;
            case TraceKind.TermRejected:
                _metrics?.OnTermRejected();
                if (_termThrottle.ShouldLog())
                    NodeLogMessages.TermRejected(_log, traceEvent.Term.Value, NameOf(traceEvent.Peer), core.Term.Value);
                break;
            case TraceKind.FollowerNeedsSnapshot:
                NodeLogMessages.PeerNeedsSnapshot(_log, NameOf(traceEvent.Peer), traceEvent.Index.Value);
                break;
            case TraceKind.Repaired:
                NodeLogMessages.Repaired(_log, traceEvent.Index.Value);
                break;
            case TraceKind.ConfigurationChanged:
                NodeLogMessages.ConfigurationChanged(
                    _log, traceEvent.Index.Value, core.Configuration.ToString(),
                    core.Configuration.IsJoint ? ", a change is in progress"
                    : core.CommittedConfiguration.Index == core.ConfigurationIndex ? ", committed" : "");
                break;
            case TraceKind.LeaderRemoved:
                _reason = LeaderChangeReason.Transferred;
                NodeLogMessages.LeaderRemoved(_log, traceEvent.Index.Value);
                break;
            case TraceKind.SnapshotInstalled:
                NodeLogMessages.SnapshotInstalled(_log, traceEvent.Index.Value);
                break;
            default:
                break;
        }

        try
        {
            _options.OnTrace?.Invoke(core.Self, traceEvent);
        }
        catch (Exception e)
        {
            OnCallbackFailed(nameof(RaftNodeOptions.OnTrace), e);
        }
    }

    // A callback only observes: its bug must not stop the member, and in OnTransportEvent it would end a connection of a peer.
    private void OnCallbackFailed(string callback, Exception fault)
    {
        if (_callbackThrottle.ShouldLog())
            NodeLogMessages.CallbackFailed(_log, callback, fault.Message, fault);
    }

    private void OnLeaderChanged(RaftCore core)
    {
        // Without a more specific event, a leader is given up for a message of a later term.
        if (_leader != NodeId.None && _reason == LeaderChangeReason.Started)
            _reason = LeaderChangeReason.HigherTerm;
        if (_leader != NodeId.None)
            NodeLogMessages.LeaderLost(_log, core.Term.Value, NameOf(_leader), NodeLogMessages.Describe(_reason));
        _lastLeaderChange = new LeaderChange
        {
            Term = core.Term,
            Previous = _leader,
            Leader = core.Leader,
            Reason = _leader == NodeId.None && _lastLeaderChange is { } loss ? loss.Reason : _reason,
            Time = _options.TimeProvider.GetUtcNow(),
        };
        if (core.Leader != NodeId.None)
        {
            _metrics?.OnLeaderElected();
            NodeLogMessages.LeaderElected(_log, core.Term.Value, NameOf(core.Leader));
        }

        (_leader, _reason, _leaderChangedAt) = (core.Leader, LeaderChangeReason.Started, _options.TimeProvider.GetTimestamp());
    }

    private void OnHeartbeatInterval(RaftCore core)
    {
        if (core.Role == Role.Leader)
        {
            _progress =
            [
                .. core.Followers.Select(static follower => (follower.Node, new ReplicationProgress
                {
                    State = follower.State, Match = follower.Match, Next = follower.Next,
                })),
            ];
        }
        else if (_progress.Length > 0)
        {
            _progress = [];
        }

        if (IsLogging)
            ReportSilentPeers(core);
    }

    /// <summary>
    /// A leader expects messages of every follower, a follower those of its leader; two followers may be silent for long. So only silence
    /// since the last change of the leader counts, and a peer that has never connected is silent since that change.
    /// </summary>
    private void ReportSilentPeers(RaftCore core)
    {
        var sinceLeaderChange = _options.TimeProvider.GetElapsedTime(_leaderChangedAt);
        foreach (var peer in Counters().Peers)
        {
            var isExpected = sinceLeaderChange >= _options.ElectionTimeout && (core.Role == Role.Leader || core.Leader == peer.Peer);
            var silence = peer.SinceLastContact ?? sinceLeaderChange;
            if (isExpected && silence >= _options.ElectionTimeout && _silentPeers.Add(peer.Peer))
                NodeLogMessages.PeerSilent(_log, NameOf(peer.Peer), silence.TotalSeconds);
            else if (peer.SinceLastContact < _options.ElectionTimeout && _silentPeers.Remove(peer.Peer))
                NodeLogMessages.PeerResponds(_log, NameOf(peer.Peer));
        }
    }

    private static string Format(ulong hash) => hash.ToString("x16", CultureInfo.InvariantCulture);

    private string NameOf(NodeId node) => _options.MemberNames.TryGetValue(node, out var name) ? name : node.ToString();
}
