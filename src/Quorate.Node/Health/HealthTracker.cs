using Quorate.Node.Divergence;
using Quorate.Node.Transport;
using Quorate.Raft;

namespace Quorate.Node.Health;

/// <summary>Collects what one node knows of the health of its cluster, over time.</summary>
/// <remarks>
/// Threading: the loop calls <see cref="OnStep"/>, the thread that flushes <see cref="OnFlushed"/>; any thread observes. The loop publishes
/// a sample in each heartbeat interval, and at once when the role, the leader or the configuration changes; its age shows whether the loop
/// still runs.
/// </remarks>
internal sealed class HealthTracker
{
    /// <summary>A smoothed duration to which nothing was added for this many election timeouts says nothing about the present.</summary>
    private const int SmoothedElectionTimeouts = 10;

    private readonly RaftNodeOptions _options;
    private readonly TimeProvider _time;
    private readonly LogEndHistory _logEnds;
    private readonly Dictionary<NodeId, AcknowledgementTimer> _acknowledgements = [];
    private readonly SmoothedDuration _flushes = new();
    private volatile Sample _sample = null!;
    private int _ticks;
    private (Role Role, Term Term, NodeId Leader) _known;
    private LogIndex _configurationIndex;
    private long _leaderChangedAt;
    private LogIndex _commit;
    private long _commitMovedAt;
    private LogIndex _applied;
    private long _appliedMovedAt;

    public HealthTracker(RaftNodeOptions options)
    {
        (_options, _time) = (options, options.TimeProvider);
        _logEnds = new LogEndHistory(_time);
        _leaderChangedAt = _commitMovedAt = _appliedMovedAt = _time.GetTimestamp();
    }

    /// <summary>Publishes the first sample, before the first step and before any thread observes.</summary>
    public void Start(RaftCore core)
    {
        OnChanged(core);
        Publish(core);
    }

    /// <summary>Observes one step of the core.</summary>
    public void OnStep(RaftCore core, in Input input)
    {
        var isChanged = (core.Role, core.Term, core.Leader) != _known;
        if (isChanged)
            OnChanged(core);
        if (input.Kind == InputKind.Tick)
            OnTick(core);
        if (isChanged || core.ConfigurationIndex != _configurationIndex
            || (input.Kind == InputKind.Tick && ++_ticks % RaftNodeOptions.HeartbeatTicks == 0))
            Publish(core);
    }

    /// <summary>Observes one flush of the log.</summary>
    public void OnFlushed(TimeSpan duration) => _flushes.Add(duration, _time.GetTimestamp());

    /// <summary>Returns what this node knows now.</summary>
    /// <param name="counters">The counters of the transport.</param>
    /// <param name="divergence">The comparison of the members' states.</param>
    public HealthObservation Observe(TransportCounters counters, DivergenceStatus divergence)
    {
        var sample = _sample;
        var now = _time.GetTimestamp();
        return new HealthObservation
        {
            Self = _options.NodeId,
            Configuration = sample.Configuration,
            IsConfigurationCommitted = sample.IsConfigurationCommitted,
            Role = sample.Role,
            Term = sample.Term,
            Leader = sample.Leader,
            ElectionTimeout = _options.ElectionTimeout,
            HeartbeatInterval = _options.HeartbeatInterval,
            Age = _time.GetElapsedTime(sample.Timestamp, now),
            SinceLeaderChange = _time.GetElapsedTime(sample.LeaderChangedAt, now),
            UncommittedEntries = (long)(sample.Last.Value - sample.Commit.Value),
            CommitStalledFor = _time.GetElapsedTime(sample.CommitMovedAt, now),
            UnappliedEntries = (long)(sample.Commit.Value - sample.Applied.Value),
            ApplyStalledFor = _time.GetElapsedTime(sample.AppliedMovedAt, now),
            QuorumIsShortOfSpace = sample.QuorumIsShortOfSpace,
            StatesDiffer = divergence.HasNoMajority,
            Members = [.. sample.Configuration.Members.Select(member => Observe(member, sample, counters, divergence, now))],
        };
    }

    private MemberObservation Observe(NodeId member, Sample sample, TransportCounters counters, DivergenceStatus divergence, long now)
    {
        var name = _options.MemberNames.TryGetValue(member, out var given) ? given : member.ToString();
        var progress = Array.Find(sample.Members, known => known.Node == member);
        if (member == _options.NodeId)
        {
            return new MemberObservation
            {
                Node = member,
                Name = name,
                Storage = sample.Storage,
                IsRepairing = sample.IsRepairing,
                Diverges = divergence.IsQuarantined,
                LagEntries = progress?.LagEntries,
                Lag = progress?.Lag,
                AcknowledgementTime = _flushes.Read(_time, now, SmoothedElectionTimeouts * _options.ElectionTimeout),
            };
        }

        var peer = counters.Peers.FirstOrDefault(peer => peer.Peer == member);
        return new MemberObservation
        {
            Node = member,
            Name = name,
            SinceLastContact = progress is not null
                ? progress.SinceReply + _time.GetElapsedTime(sample.Timestamp, now)
                : peer?.SinceLastContact,

            // A transport without connections counts none.
            IsDisconnected = peer is { Connects: > 0, Connected: false },
            State = progress?.State,
            Storage = progress?.Storage,
            IsRepairing = progress?.IsRepairing ?? false,
            Diverges = divergence.Diverging.Contains(member),
            LagEntries = progress?.LagEntries,
            Lag = progress?.Lag,
            AcknowledgementTime = progress?.AcknowledgementTime,
        };
    }

    private void OnChanged(RaftCore core)
    {
        if (core.Leader != _known.Leader)
            _leaderChangedAt = _time.GetTimestamp();
        _known = (core.Role, core.Term, core.Leader);
        _logEnds.Clear();
        _acknowledgements.Clear();
    }

    private void OnTick(RaftCore core)
    {
        var now = _time.GetTimestamp();
        if (core.CommitIndex != _commit || core.CommitIndex == core.LastIndex)
            (_commit, _commitMovedAt) = (core.CommitIndex, now);
        if (core.AppliedIndex != _applied || core.AppliedIndex == core.CommitIndex)
            (_applied, _appliedMovedAt) = (core.AppliedIndex, now);
        if (core.Role != Role.Leader)
            return;
        foreach (var follower in core.Followers)
        {
            if (!_acknowledgements.TryGetValue(follower.Node, out var timer))
                _acknowledgements.Add(follower.Node, timer = new AcknowledgementTimer());
            timer.Observe(core.LastIndex, follower.Match, _time, now);
        }
    }

    private void Publish(RaftCore core)
    {
        var now = _time.GetTimestamp();
        _configurationIndex = core.ConfigurationIndex;
        var members = new List<MemberSample>();
        if (core.Role == Role.Leader)
        {
            _logEnds.Add(core.LastIndex, now);
            members.Add(new MemberSample
            {
                Node = core.Self,
                LagEntries = (long)(core.LastIndex.Value - core.DurableIndex.Value),
                Lag = _logEnds.LagOf(core.DurableIndex, now),
            });
            members.AddRange(core.Followers.Select(follower => ToSample(core, follower, now)));
        }

        _sample = new Sample
        {
            Timestamp = now,
            Configuration = core.Configuration,
            IsConfigurationCommitted = core.CommittedConfiguration.Index == core.ConfigurationIndex,
            Role = core.Role,
            Term = core.Term,
            Leader = core.Leader,
            LeaderChangedAt = _leaderChangedAt,
            Last = core.LastIndex,
            Commit = core.CommitIndex,
            CommitMovedAt = _commitMovedAt,
            Applied = core.AppliedIndex,
            AppliedMovedAt = _appliedMovedAt,
            Storage = core.StorageHealth,
            IsRepairing = core.IsRepairing,
            QuorumIsShortOfSpace = core.QuorumIsShortOfSpace,
            Members = [.. members],
        };
    }

    private MemberSample ToSample(RaftCore core, in FollowerStatus follower, long now) => new()
    {
        Node = follower.Node,
        State = follower.State,
        SinceReply = follower.TicksSinceReply * _options.TickInterval,
        Storage = (follower.CannotWrite, follower.IsShortOfSpace) switch
        {
            (true, true) => StorageHealth.Full,
            (true, false) => StorageHealth.Stalled,
            (false, true) => StorageHealth.LowSpace,
            (false, false) => StorageHealth.Healthy,
        },
        IsRepairing = follower.IsRepairing,
        LagEntries = (long)(core.LastIndex.Value - follower.Match.Value),
        Lag = _logEnds.LagOf(follower.Match, now),
        AcknowledgementTime = _acknowledgements.TryGetValue(follower.Node, out var timer)
            ? timer.Read(_time, now, SmoothedElectionTimeouts * _options.ElectionTimeout)
            : null,
    };

    /// <summary>What the loop has published last.</summary>
    private sealed class Sample
    {
        public required long Timestamp { get; init; }

        public required Configuration Configuration { get; init; }

        public required bool IsConfigurationCommitted { get; init; }

        public required Role Role { get; init; }

        public required Term Term { get; init; }

        public required NodeId Leader { get; init; }

        public required long LeaderChangedAt { get; init; }

        public required LogIndex Last { get; init; }

        public required LogIndex Commit { get; init; }

        public required long CommitMovedAt { get; init; }

        public required LogIndex Applied { get; init; }

        public required long AppliedMovedAt { get; init; }

        public required StorageHealth Storage { get; init; }

        public required bool IsRepairing { get; init; }

        public required bool QuorumIsShortOfSpace { get; init; }

        /// <summary>At a leader, all members; elsewhere none.</summary>
        public required MemberSample[] Members { get; init; }
    }

    private sealed class MemberSample
    {
        public required NodeId Node { get; init; }

        public ReplicationState? State { get; init; }

        public TimeSpan SinceReply { get; init; }

        public StorageHealth? Storage { get; init; }

        public bool IsRepairing { get; init; }

        public long LagEntries { get; init; }

        public TimeSpan Lag { get; init; }

        public TimeSpan? AcknowledgementTime { get; init; }
    }
}
