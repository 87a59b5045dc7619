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

    private void OnTransferLeadership(NodeId target, Effects effects)
    {
        if (_isTransferSupported && _role == Role.Leader && _transferTarget == NodeId.None
            && FollowerOf(target) is not null && _configuration.IsVoter(target))
            StartTransfer(target, effects);
    }

    private void StartTransfer(NodeId target, Effects effects)
    {
        _transferTarget = target;
        _transferDeadline = _now + (ulong)_options.ElectionTicks;
        _nextTransferTick = _now + TransferPauseTicks;
        _timeoutNowIsDue = true;
        Trace(TraceKind.TransferStarted, effects, target);
    }

    private void OnTransferSupport(bool isSupported)
    {
        _isTransferSupported = isSupported;
        if (!isSupported)
            StopTransfer();
    }

    private void StopTransfer() => _transferTarget = NodeId.None;

    private void OnTransferTick(Effects effects)
    {
        if (_transferTarget == NodeId.None)
            return;
        if (_now >= _transferDeadline)
        {
            Trace(TraceKind.TransferExpired, effects, _transferTarget);
            StopTransfer();
        }
        else if (_heartbeatElapsed == 0)
        {
            _timeoutNowIsDue = true;
        }
    }

    /// <summary>Sends TimeoutNow once the target holds the whole log.</summary>
    private void ContinueTransfer(Effects effects)
    {
        if (!_timeoutNowIsDue || _transferTarget == NodeId.None || FollowerOf(_transferTarget)?.Match != _log.LastIndex)
            return;
        _timeoutNowIsDue = false;
        var message = effects.NewTimeoutNow();
        message.Term = _term;
        message.LastIndex = _log.LastIndex;
        Send(message, _transferTarget, effects);
    }

    private void OnTimeoutNow(TimeoutNow message, Effects effects)
    {
        var isCurrent = message.Term == _term && message.From == _leader && message.LastIndex == _log.LastIndex;
        var mayLead = _configuration.IsVoter(_self) && !CannotWrite && !IsRepairing && !_isQuarantined;
        if (isCurrent && _role == Role.Follower && mayLead)
            BecomeCandidate(effects, isTransfer: true);
    }

    /// <summary>
    /// The voter that is most likely to take over at once: it has replied within an election timeout, and of those it holds most of the
    /// log.
    /// </summary>
    private NodeId TransferCandidate()
    {
        FollowerProgress? best = null;
        foreach (var follower in _followers)
        {
            if (IsReachableVoter(follower) && (best is null || follower.Match > best.Match))
                best = follower;
        }

        return best?.Node ?? NodeId.None;
    }

    private bool IsReachableVoter(FollowerProgress follower) =>
        _isTransferSupported && _configuration.IsVoter(follower.Node) && follower.State == ReplicationState.Replicate
        && _now - follower.LastReplyTick <= (ulong)_options.ElectionTicks;
}
