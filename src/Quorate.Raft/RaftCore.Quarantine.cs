namespace Quorate.Raft;

/// <summary>A member whose state machine is quarantined does not lead if another can. See docs/operating/divergence.md.</summary>
/// <remarks>
/// Its log is right: it votes, acknowledges entries, and counts for every quorum. It campaigns late, and not never: it may be the only
/// member that has an entry which a member that failed has committed with it. It then leads until another member has the entry too.
/// <code>
///   1  quarantined   1 2 3 4      entry 4 is committed by 1 and 3; 3 is away. 2 cannot be elected before it has entry 4, and only 1 can
///   2                1 2 3        send it: 1 leads, 2 follows, 1 transfers leadership to 2.
///   3  away          1 2 3 4
/// </code>
/// </remarks>
public sealed partial class RaftCore
{
    /// <summary>
    /// The election timeouts without a leader after which a quarantined member campaigns: long enough for the others to try several times.
    /// </summary>
    private const int QuarantinedElectionTimeouts = 5;

    private bool _isQuarantined;

    /// <summary>Whether the state machine of this node is quarantined.</summary>
    public bool IsQuarantined => _isQuarantined;

    private bool IsTooEarlyToCampaign =>
        _isQuarantined && _ticksSinceLeaderContact < QuarantinedElectionTimeouts * _options.ElectionTicks;

    private void OnQuarantined() => _isQuarantined = true;

    /// <summary>Passes leadership on as soon as another voter can take it.</summary>
    private void OnQuarantineTick(Effects effects)
    {
        if (!_isQuarantined || _role != Role.Leader || _transferTarget != NodeId.None || _now < _nextTransferTick)
            return;
        var candidate = TransferCandidate();
        if (candidate == NodeId.None)
            return;
        Trace(TraceKind.LeaderQuarantined, effects);
        StartTransfer(candidate, effects);
    }
}
