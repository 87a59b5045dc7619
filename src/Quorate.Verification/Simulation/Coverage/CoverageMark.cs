namespace Quorate.Verification.Simulation.Coverage;

/// <summary>
/// A rare path of the protocol. A path that no run has taken is not tested; docs/testing/simulator.md describes how marks are counted.
/// </summary>
internal enum CoverageMark
{
    /// <summary>A pre-vote was rejected: the log of the pre-candidate is behind, or the voter receives from a leader.</summary>
    PreVoteRefused,

    /// <summary>A vote was rejected because the candidate's log is behind.</summary>
    VoteRefusedLogBehind,

    /// <summary>A vote was rejected because the voter had voted for another candidate.</summary>
    VoteRefusedAlreadyVoted,

    /// <summary>A vote was rejected, and the later term ignored, because the voter receives from a leader (stickiness).</summary>
    VoteRefusedLeaderActive,

    /// <summary>Two members were candidates in the same term.</summary>
    VoteSplit,

    /// <summary>A candidate was rejected by a quorum, or received from the elected leader, and became follower.</summary>
    ElectionLost,

    /// <summary>A candidate's election timed out, and it started another.</summary>
    ElectionTimedOut,

    /// <summary>A process ended while it was pre-candidate or candidate.</summary>
    EndedDuringElection,

    /// <summary>A process ended while it was leader.</summary>
    LeaderEnded,

    /// <summary>A candidate became leader when a later term already had a leader.</summary>
    ElectedInOldTerm,

    /// <summary>A leader stepped down because it received no replies from a quorum (check-quorum).</summary>
    LeaderLostQuorum,

    /// <summary>A leader stepped down because its disk did not complete a flush.</summary>
    LeaderDiskStalled,

    /// <summary>A leader whose disk is much slower than that of a follower began to transfer its leadership.</summary>
    LeaderDiskSlow,

    /// <summary>A follower campaigned because its leader had asked it to.</summary>
    TransferTargetCampaigned,

    /// <summary>A leader gave a transfer up because the target had not taken over within an election timeout.</summary>
    TransferExpired,

    /// <summary>A member ignored a late message of a transfer that had ended, or one that it cannot follow.</summary>
    TimeoutNowIgnored,

    /// <summary>A leader received a forwarded proposal during a transfer and left it to be sent again.</summary>
    ForwardDuringTransfer,

    /// <summary>A leader stepped down because it received a later term.</summary>
    LeaderSawLaterTerm,

    /// <summary>The connection to a leader closed, and a follower started an election without waiting for the timeout.</summary>
    LeaderConnectionClosed,

    /// <summary>A follower truncated entries of another leader.</summary>
    Truncated,

    /// <summary>Some truncated entries were durable already.</summary>
    TruncatedDurableEntries,

    /// <summary>A leader searched for the last entry at which a follower's log matches its own.</summary>
    FollowerDiverges,

    /// <summary>A follower lags so far behind that the leader reads the entries for it from disk.</summary>
    FollowerFarBehind,

    /// <summary>A state machine lagged so far behind that its next entries were no longer in memory.</summary>
    StateMachineFarBehind,

    /// <summary>A leader does not send a follower its missing entries because the inflight window is full.</summary>
    WindowFull,

    /// <summary>A member received an append from a leader of an earlier term.</summary>
    AppendOfOldTerm,

    /// <summary>A member received an append whose entries begin below its commit index.</summary>
    AppendBelowCommit,

    /// <summary>A member received an append whose entries it all had.</summary>
    AppendDuplicate,

    /// <summary>A leader's commit is ahead of its own disk.</summary>
    CommitAheadOfOwnDisk,

    /// <summary>A leader received a forwarded proposal again and did not append it again.</summary>
    ForwardDuplicate,

    /// <summary>A member forwarded a proposal to its leader again, because the first message may have been lost.</summary>
    ForwardRetried,

    /// <summary>A member received a proposal that was forwarded to the leader of another term.</summary>
    ForwardOfOtherTerm,

    /// <summary>A leader received a read before it had committed an entry of its term.</summary>
    ReadBeforeTermCommitted,

    /// <summary>A follower forwarded a read to the leader.</summary>
    ReadForwarded,

    /// <summary>A forwarded read was rejected: its receiver was not the leader, or had too many pending reads.</summary>
    ForwardedReadRejected,

    /// <summary>A read was confirmed in a later iteration than the one that received it, by the replies of a quorum.</summary>
    ReadConfirmedByQuorum,

    /// <summary>A read was rejected because too many reads were pending.</summary>
    ReadRejectedBusy,

    /// <summary>A torn write was truncated when the write-ahead log was opened.</summary>
    TornTailTruncated,

    /// <summary>A member did not start because its disk is corrupt.</summary>
    StartRefusedOnCorruption,

    /// <summary>A member started although a file was deleted, shortened or replaced by that of another member.</summary>
    LostFileReplaced,

    /// <summary>A member started without the entries of its log, because the log or the snapshot was corrupt.</summary>
    RepairStarted,

    /// <summary>A member received everything that it had lost, and votes again.</summary>
    Repaired,

    /// <summary>A member wrote one of the two copies of term and vote again.</summary>
    HardStateCopyReplaced,

    /// <summary>A member that repairs its disk lost its log once more.</summary>
    RepairedTwice,

    /// <summary>A peer was rejected because its data directory is not the one recorded before.</summary>
    ChangedDirectoryRejected,

    /// <summary>A sector could not be read.</summary>
    DiskReadFailed,

    /// <summary>A misdirected write took effect: the frame is in another place on the disk.</summary>
    WriteMisdirected,

    /// <summary>A member was restarted during the liveness phase.</summary>
    StartedInLivenessPhase,

    /// <summary>A member found that its state differs from that of a majority, and was quarantined.</summary>
    Quarantined,

    /// <summary>A quarantined member was restarted, and still was quarantined.</summary>
    StartedInQuarantine,

    /// <summary>A quarantined leader passed leadership on.</summary>
    LeaderQuarantined,

    /// <summary>States differed and no majority agreed: an alarm, and no quarantine.</summary>
    StatesDifferWithoutMajority,
}
