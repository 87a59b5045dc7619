namespace Quorate.Raft;

/// <summary>A disk in trouble: a member that cannot write does not lead if another can. See docs/operating/disks.md.</summary>
/// <remarks>
/// The driver reports what the core cannot observe, the core itself observes how long its appends take. A leader compares its disk with
/// those of its followers: for one append at a time, it measures the ticks until its own disk has it and until the first voter has
/// acknowledged it.
/// <code>
///   tick        0          2                      20
///   append      ├──────────┤ first acknowledgement │
///               ├───────────────────────────────────┤ own disk       slow: 20 > 2 × 2 + half a heartbeat interval
/// </code>
/// An append waits for at most one flush before its own. So with disks of equal speed one measurement is at most twice the other, whatever
/// the phases of the two: such members do not pass leadership to and fro.
/// </remarks>
public sealed partial class RaftCore
{
    /// <summary>
    /// The number of slow measurements after which the leader's disk counts as slow; a measurement that is not slow cancels one. A single
    /// slow flush is one measurement.
    /// </summary>
    private const int SlowMeasurementsMin = 8;

    private StorageHealth _storageHealth;

    /// <summary>At a leader, as of its last heartbeat; at a follower, what its leader has sent last.</summary>
    private bool _quorumIsShortOfSpace;

    /// <summary>The append that is being measured: its last index and the tick at which it was emitted; index 0: none is.</summary>
    private (LogIndex Index, ulong Tick) _measured;

    /// <summary>The last index at the end of the previous iteration: entries above it are new.</summary>
    private LogIndex _measuredLast;

    /// <summary>The voter that acknowledged the measured append first, and after how many ticks; none: no voter has yet.</summary>
    private (NodeId Node, ulong Ticks) _firstAcknowledgement;

    private int _slowMeasurements;

    /// <summary>The tick of the first slow measurement that counts.</summary>
    private ulong _slowSince;

    /// <summary>What the driver has reported last.</summary>
    public StorageHealth StorageHealth => _storageHealth;

    /// <summary>
    /// Whether only commands that take no more space should be proposed: this node is short of space, or so many voters are that no quorum
    /// remains of those that are not. What the others would still take, the short ones would have to write as well, until they are full and
    /// the cluster can neither delete nor elect a leader.
    /// </summary>
    public bool IsOnlySpaceFreed => IsShortOfSpace || _quorumIsShortOfSpace;

    /// <summary>Whether so many voters are short of space that no quorum remains of those that are not, as the leader knows.</summary>
    public bool QuorumIsShortOfSpace => _quorumIsShortOfSpace;

    private bool IsShortOfSpace => _storageHealth is StorageHealth.LowSpace or StorageHealth.Full;

    /// <summary>Whether nothing can be written to this node's disk at present, as far as is known.</summary>
    private bool CannotWrite => DiskIsStalled || _storageHealth is StorageHealth.Full or StorageHealth.Stalled;

    /// <summary>
    /// Three election timeouts: a disk that is slow for a shorter time, for example while it writes a snapshot, moves no leadership, and a
    /// new leader is given the same time.
    /// </summary>
    private ulong SlowTicksMin => 3 * (ulong)_options.ElectionTicks;

    private void OnStorageHealth(StorageHealth health, Effects effects)
    {
        if (health == _storageHealth)
            return;
        _storageHealth = health;
        Trace(TraceKind.StorageHealthChanged, effects, index: new LogIndex((ulong)health));
    }

    private bool QuorumHasSpace() => Quorum.Reached(_configuration, new VotersWithSpace(this)) > 0;

    private void SetQuorumIsShortOfSpace(bool isShort, Effects effects)
    {
        if (isShort == _quorumIsShortOfSpace)
            return;
        _quorumIsShortOfSpace = isShort;
        Trace(isShort ? TraceKind.QuorumShortOfSpace : TraceKind.QuorumHasSpace, effects);
    }

    private void StartMeasuring()
    {
        _leadingSince = _now;
        _measured = default;
        _measuredLast = _log.LastIndex;
        _slowMeasurements = 0;
    }

    /// <summary>Begins or ends a measurement. Called at the end of each iteration of a leader.</summary>
    private void MeasureDisks()
    {
        var isNew = _log.LastIndex > _measuredLast;
        _measuredLast = _log.LastIndex;
        if (_measured.Index == LogIndex.Zero)
        {
            if (!isNew)
                return;
            (_measured, _firstAcknowledgement) = ((_log.LastIndex, _now), default);
        }

        if (_firstAcknowledgement.Node == NodeId.None)
        {
            foreach (var follower in _followers)
            {
                if (follower.Match >= _measured.Index && _configuration.IsVoter(follower.Node))
                {
                    _firstAcknowledgement = (follower.Node, _now - _measured.Tick);
                    break;
                }
            }
        }

        if (_log.Durable >= _measured.Index)
            EndMeasurement(_now - _measured.Tick);
    }

    private void EndMeasurement(ulong ownTicks)
    {
        var (node, ticks) = _firstAcknowledgement;
        _measured = default;
        if (node == NodeId.None || ownTicks <= 2 * ticks + (ulong)_options.HeartbeatTicks / 2)
        {
            _slowMeasurements = Math.Max(0, _slowMeasurements - 1);
            return;
        }

        if (_slowMeasurements == 0)
            _slowSince = _now;
        _slowMeasurements = Math.Min(_slowMeasurements + 1, 2 * SlowMeasurementsMin);
    }

    /// <summary>
    /// Hands leadership over if this leader cannot write its disk, or if its disk is persistently much slower than that of another voter.
    /// </summary>
    private void OnDiskTick(Effects effects)
    {
        if (_transferTarget != NodeId.None)
            return;

        if (CannotWrite)
        {
            if (_now >= _nextTransferTick && TransferCandidate() is var candidate && candidate != NodeId.None)
            {
                Trace(TraceKind.DiskStalled, effects);
                StartTransfer(candidate, effects);
            }
            else if (_commit > _log.Durable || Array.Exists(_followers, static f => f.IsLoading))
            {
                // A leader must be able to write its own disk. Here the others commit entries that this node cannot write, or they cannot
                // commit because a follower waits for entries that this node cannot read.
                Trace(TraceKind.DiskStalled, effects);
                BecomeFollower(_term, NodeId.None, effects);
            }

            return;
        }

        var (fastest, _) = _firstAcknowledgement;
        if (_slowMeasurements < SlowMeasurementsMin || _now - _slowSince < SlowTicksMin || _now - _leadingSince < SlowTicksMin
            || _now < _nextTransferTick || FollowerOf(fastest) is not { } target || !IsReachableVoter(target))
            return;
        _slowMeasurements = 0;
        Trace(TraceKind.DiskSlow, effects, fastest);
        StartTransfer(fastest, effects);
    }

    /// <summary>1 for each voter that is not known to be short of space.</summary>
    private readonly struct VotersWithSpace(RaftCore core) : IVoterValues
    {
        public ulong Of(NodeId voter)
        {
            var isShort = voter == core._self ? core.IsShortOfSpace : core.FollowerOf(voter) is { IsShortOfSpace: true };
            return isShort ? 0ul : 1ul;
        }
    }
}
