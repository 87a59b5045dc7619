namespace Quorate.Raft;

/// <summary>
/// Log replication, leader. Source: paper Fig. 2 "Rules for Servers, Leaders", thesis §3.5, §10.2.1 (pipelining), §6.2 (check-quorum).
/// </summary>
public sealed partial class RaftCore
{
    private FollowerProgress[] _followers = [];
    private int _heartbeatElapsed;

    /// <summary>The index of the no-op this leader began its term with; reads wait until it is committed.</summary>
    private LogIndex _termStart;

    /// <summary>Whether the disk has not completed an append for an election timeout.</summary>
    private bool DiskIsStalled => OldestAppendTick is { } since && _now - since > (ulong)_options.ElectionTicks;

    private void StartLeading()
    {
        _termStart = _log.LastIndex + 1;
        _heartbeatElapsed = 0;
        _hasOfferedLeadership = false;
        _clock = 0;
        _timeoutNowIndex = LogIndex.Zero;
        _followers = [.. _configuration.Members.Where(member => member != _self).Select(NewFollower)];
        StartReads();
        StartMeasuring();
    }

    private void StopLeading()
    {
        _membersChanged |= Array.Exists(_followers, static follower => follower.RemovedAt != LogIndex.Zero);
        _followers = [];
        _replayWindows.Clear();
        StopReads();
        StopTransfer();
        _failedTarget = NodeId.None;
    }

    private FollowerProgress? FollowerOf(NodeId node)
    {
        foreach (var follower in _followers)
        {
            if (follower.Node == node)
                return follower;
        }

        return null;
    }

    private void OnLeaderTick(Effects effects)
    {
        if (++_heartbeatElapsed >= _options.HeartbeatTicks)
        {
            _heartbeatElapsed = 0;
            SetQuorumIsShortOfSpace(!QuorumHasSpace(), effects);
            foreach (var follower in _followers)
                follower.HeartbeatIsDue = true;
        }

        // A leader without replies from a quorum for an election timeout may have been replaced. It stops sending, heartbeats included: a
        // leader that can send but not receive would otherwise keep all others from electing a new one.
        var lastQuorumContact = Quorum.Reached(_configuration, new VoterLastReplyTicks(this));
        if (_now - lastQuorumContact > (ulong)_options.ElectionTicks)
        {
            Trace(TraceKind.QuorumLost, effects);
            BecomeFollower(_term, NodeId.None, effects);
        }
        else
        {
            if (_options.LeaseDuration == TimeSpan.Zero)
                ForgetLeases();
            OnTransferTick(effects);
            OnDiskTick(effects);
            OnQuarantineTick(effects);
        }
    }

    /// <summary>
    /// Sends a follower the entries it lacks, as far as the window allows; otherwise a heartbeat, if one is due or there is a new commit
    /// index or round.
    /// </summary>
    private void Replicate(FollowerProgress follower, Effects effects)
    {
        // Before anything else: a probe that is in flight may test an entry that has been compacted since, and its reply would not be
        // recognised, because the log no longer has the term of that entry.
        if (follower.Next <= _log.Compacted.Index && follower.State != ReplicationState.Snapshot)
        {
            Trace(TraceKind.FollowerNeedsSnapshot, effects, follower.Node, follower.Next);
            follower.BecomeSnapshot();
        }

        var sent = false;
        while (CanSendEntries(follower))
        {
            if (follower.Next < _log.CachedFirst)
            {
                RequestEntries(follower, effects);
                break;
            }

            var entries = _log.ViewUpTo(follower.Next, _log.LastIndex, _options.MaxMessageBytes, out var bytes);
            SendEntries(follower, entries, bytes, effects);
            sent = true;
        }

        var hasUpdate = follower.CommitSent < _commit || follower.RoundSent < _round;
        var maySendUpdate = follower.RoundSent < _round || follower.State switch
        {
            ReplicationState.Replicate => true,
            ReplicationState.Probe => !follower.IsProbeInFlight,
            _ => false,
        };
        if (!sent && (follower.HeartbeatIsDue || (hasUpdate && maySendUpdate)))
            SendEntries(follower, default, 0, effects);
    }

    private bool CanSendEntries(FollowerProgress follower)
    {
        if (follower.Next > _log.LastIndex || follower.IsLoading || follower.State == ReplicationState.Snapshot)
            return false;
        return follower.State == ReplicationState.Replicate ? !follower.Inflight.IsFull : !follower.IsProbeInFlight;
    }

    private void SendEntries(FollowerProgress follower, ReadOnlyMemory<LogEntry> entries, long bytes, Effects effects)
    {
        // If the log no longer holds the follower's previous entry, each heartbeat checks whether the follower has a snapshot that covers
        // the compacted entries.
        var previousIndex = follower.Next - 1;
        var previous = _log.TermAt(previousIndex) is { } term ? new EntryId(term, previousIndex) : _log.Compacted;

        var append = effects.NewAppendEntries();
        append.Term = _term;
        append.Previous = previous;
        append.Entries = entries;
        append.LeaderCommit = _commit;
        append.Round = _round;
        append.NeedsSnapshot = follower.State == ReplicationState.Snapshot;
        append.QuorumIsShortOfSpace = _quorumIsShortOfSpace;
        RequestLease(append);
        Send(append, follower.Node, effects);

        if (!entries.IsEmpty)
            follower.OnEntriesSent(append.LastIndex, bytes);
        follower.HeartbeatIsDue = false;
        follower.CommitSent = _commit;
        follower.RoundSent = _round;
    }

    private void RequestEntries(FollowerProgress follower, Effects effects)
    {
        follower.IsLoading = true;
        var to = LogIndex.Min(_log.CachedFirst - 1, _log.Durable);
        effects.EntriesRequests.Add(new LoadEntriesRequest(follower.Node, follower.Next, to, _options.MaxMessageBytes));
    }

    private void OnEntriesLoaded(NodeId peer, ReadOnlyMemory<LogEntry> entries, Effects effects)
    {
        if (peer == _self)
        {
            OnCommittedLoaded(entries, effects);
            return;
        }

        if (_role != Role.Leader || FollowerOf(peer) is not { IsLoading: true } follower)
            return;

        follower.IsLoading = false;
        if (entries.IsEmpty || entries.Span[0].Index != follower.Next || follower.State == ReplicationState.Snapshot)
            return;

        // They may have been compacted while they were loaded; then the term of the entry before them is not known any more.
        if (_log.TermAt(follower.Next - 1) is null)
            return;

        long bytes = 0;
        foreach (ref readonly var entry in entries.Span)
        {
            Invariant.That(_log.Has(entry.Id), "the entry on disk has the term that the log recorded");
            bytes += entry.SizeBytes;
        }

        SendEntries(follower, entries, bytes, effects);
    }

    private void OnAppendEntriesReply(AppendEntriesReply reply, Effects effects)
    {
        if (_role != Role.Leader || reply.Term < _term || FollowerOf(reply.From) is not { } follower)
            return;

        follower.LastReplyTick = _now;
        follower.IsShortOfSpace = reply.IsShortOfSpace;
        follower.CannotWrite = reply.CannotWrite;
        follower.IsRepairing = reply.IsRepairing;
        if (reply.LeaseStamp <= _clock)
            follower.LeaseStamp = Math.Max(follower.LeaseStamp, reply.LeaseStamp);
        follower.RoundAcknowledged = Math.Max(follower.RoundAcknowledged, reply.Round);

        if (reply.Accepted)
        {
            Invariant.That(reply.Index <= _log.LastIndex, "no follower holds more of this leader's log than the leader");
            follower.OnAccepted(reply.Index);
            AdvanceCommit(effects);
        }
        else if (follower.State != ReplicationState.Snapshot)
        {
            var matchHint = _log.FindConflictByTerm(reply.Hint.Term, reply.Hint.Index);
            if (follower.TryDecrementNext(reply.Index, matchHint.Index))
                Trace(TraceKind.FollowerDiverges, effects, follower.Node, follower.Next);
        }

        ConfirmReads(effects);
    }

    /// <summary>The tick of each voter's last reply; the leader's own is the current tick.</summary>
    private readonly struct VoterLastReplyTicks(RaftCore core) : IVoterValues
    {
        public ulong Of(NodeId voter) => voter == core._self ? core._now : core.FollowerOf(voter)?.LastReplyTick ?? 0;
    }
}
