namespace Quorate.Raft;

/// <summary>Leadership transfer. Source: thesis §3.10.</summary>
/// <remarks>
/// <code>
///   leader   appends no proposals ─► target holds the whole log ─► TimeoutNow ─► RequestVote of the next term ─► follower
///      └──────────────── deadline: it leads on, and appends proposals again
/// </code>
/// The target campaigns without a pre-vote, and its vote requests are marked: voters consider them although they receive from a leader,
/// because this leader has asked for the election. Everything else is an ordinary election, so a transfer cannot violate safety.
/// </remarks>
public sealed partial class RaftCore
{
    private NodeId _transferTarget;

    /// <summary>The tick at which the leader gives the transfer up. An election takes less than an election timeout, or fails.</summary>
    private ulong _transferDeadline;

    /// <summary>Whether TimeoutNow must be sent: at first, and again in each heartbeat interval, because it may be lost.</summary>
    private bool _timeoutNowIsDue;

    /// <summary>The target of the last transfer of this leader that failed, or none: another candidate is tried first.</summary>
    private NodeId _failedTarget;

    /// <summary>The first tick at which the leader may begin another transfer by itself.</summary>
    private ulong _nextTransferTick;

    /// <summary>Whether all members know leadership transfers.</summary>
    private bool _isTransferSupported = true;

    /// <summary>The tick at which this node became leader.</summary>
    private ulong _leadingSince;

    /// <summary>The member to which this leader is transferring its leadership, or none. Meanwhile it appends no proposals.</summary>
    public NodeId TransferTarget => _transferTarget;

    /// <summary>
    /// The ticks between two transfers that a leader begins by itself: at most six in a minute with the default timeouts.
    /// </summary>
    private ulong TransferPauseTicks => 10 * (ulong)_options.ElectionTicks;

    private void OnTransferLeadership(NodeId target, ulong ticket, int ticks, Effects effects)
    {
        var chosen = target == NodeId.None ? TransferCandidate() : target;
        if (FindTransferObstacle(chosen) is { } obstacle)
        {
            Refuse(ticket, obstacle, effects);
            return;
        }

        if (chosen != _self)
            StartTransfer(chosen, effects, ticks);
        AwaitTransfer(ticket, chosen, _transferDeadline);
    }

    /// <summary>Returns why a requested transfer cannot begin; null if it can.</summary>
    private TransferFailure? FindTransferObstacle(NodeId target)
    {
        if (_role != Role.Leader)
            return TransferFailure.NotLeader;
        if (_transferTarget != NodeId.None || _awaitedTransfer.Ticket != 0)
            return TransferFailure.InProgress;
        if (target == _self)
            return null;
        if (!_isTransferSupported)
            return TransferFailure.NotSupported;
        if (target == NodeId.None)
            return TransferFailure.NoCandidate;
        if (FollowerOf(target) is not { } follower)
            return TransferFailure.UnknownMember;
        if (!_configuration.IsVoter(target))
            return TransferFailure.NotVoter;
        if (!IsReachable(follower))
            return TransferFailure.TargetUnreachable;
        return follower.State == ReplicationState.Snapshot ? TransferFailure.TargetLags : null;
    }

    private void StartTransfer(NodeId target, Effects effects, int ticks = 0)
    {
        _transferTarget = target;
        _transferDeadline = _now + (ulong)(ticks > 0 ? ticks : _options.ElectionTicks);
        _nextTransferTick = _now + TransferPauseTicks;
        _timeoutNowIsDue = true;
        Trace(TraceKind.TransferStarted, effects, target);
    }

    private void OnTransferSupport(bool isSupported, Effects effects)
    {
        _isTransferSupported = isSupported;
        if (!isSupported && _transferTarget != NodeId.None)
            AbandonTransfer(TransferFailure.NotSupported, effects);
    }

    /// <summary>The leader leads on, and appends proposals again.</summary>
    private void AbandonTransfer(TransferFailure failure, Effects effects)
    {
        Trace(TraceKind.TransferExpired, effects, _transferTarget);
        _failedTarget = _transferTarget;
        StopTransfer();
        FailAwaitedTransfer(failure, effects);
    }

    private void StopTransfer() => _transferTarget = NodeId.None;

    /// <summary>The connection of a follower was closed: its process may be gone, and proposals do not wait for it.</summary>
    private void OnTransferTargetLost(NodeId peer, Effects effects)
    {
        if (peer == _transferTarget)
            AbandonTransfer(TransferFailure.TargetUnreachable, effects);
    }

    private void OnTransferTick(Effects effects)
    {
        if (_transferTarget == NodeId.None)
            return;
        if (_now >= _transferDeadline)
            AbandonTransfer(DescribeTransferFailure(FollowerOf(_transferTarget)), effects);
        else if (_heartbeatElapsed == 0)
            _timeoutNowIsDue = true;
    }

    private TransferFailure DescribeTransferFailure(FollowerProgress? target)
    {
        if (target is null)
            return TransferFailure.UnknownMember;
        if (target.Match == _log.LastIndex)
            return TransferFailure.Expired;
        return IsReachable(target) ? TransferFailure.TargetLags : TransferFailure.TargetUnreachable;
    }

    /// <summary>Sends TimeoutNow once the target holds the whole log.</summary>
    private void ContinueTransfer(Effects effects)
    {
        if (!_timeoutNowIsDue || _transferTarget == NodeId.None || FollowerOf(_transferTarget)?.Match != _log.LastIndex)
            return;
        _timeoutNowIsDue = false;
        _timeoutNowIndex = _log.LastIndex;
        var message = effects.NewTimeoutNow();
        message.Term = _term;
        message.LastIndex = _log.LastIndex;
        Send(message, _transferTarget, effects);
    }

    private void OnTimeoutNow(TimeoutNow message, Effects effects)
    {
        var isCurrent = message.Term == _term && message.From == _leader && message.LastIndex == _log.LastIndex;
        var mayLead = _configuration.IsVoter(_self) && IsCounted(_self) && !CannotWrite && !IsRepairing && !_isQuarantined;
        if (isCurrent && _role == Role.Follower && mayLead)
            BecomeCandidate(effects, isTransfer: true);
    }

    /// <summary>
    /// The voter that is most likely to take over at once: it has replied within an election timeout, the last transfer to it has not
    /// failed, and it holds most of the log.
    /// </summary>
    private NodeId TransferCandidate()
    {
        FollowerProgress? best = null;
        foreach (var follower in _followers)
        {
            if (IsReachableVoter(follower) && (best is null || IsBetterCandidate(follower, best)))
                best = follower;
        }

        return best?.Node ?? NodeId.None;
    }

    private bool IsBetterCandidate(FollowerProgress follower, FollowerProgress other)
    {
        var hasFailed = follower.Node == _failedTarget;
        return hasFailed == (other.Node == _failedTarget) ? follower.Match > other.Match : !hasFailed;
    }

    private bool IsReachableVoter(FollowerProgress follower) =>
        _isTransferSupported && _configuration.IsVoter(follower.Node) && IsCounted(follower.Node)
        && follower.State == ReplicationState.Replicate && IsReachable(follower);

    private bool IsReachable(FollowerProgress follower) => _now - follower.LastReplyTick <= (ulong)_options.ElectionTicks;
}
