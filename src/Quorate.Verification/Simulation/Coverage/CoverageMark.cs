namespace Quorate.Verification.Simulation.Coverage;

/// <summary>A rare path: what no run of a set has gone through is not tested by it. docs/testing.md says how they are counted.</summary>
internal enum CoverageMark
{
    /// <summary>A pre-vote was refused: the log of who asks is behind, or a leader is heard.</summary>
    PreVoteRefused,

    /// <summary>A vote was refused because the candidate's log is behind.</summary>
    VoteRefusedLogBehind,

    /// <summary>A vote was refused because another has it.</summary>
    VoteRefusedAlreadyVoted,

    /// <summary>Whoever hears a leader was not moved by a candidate of a later term.</summary>
    VoteRefusedLeaderActive,

    /// <summary>Two candidates stood in one term.</summary>
    VoteSplit,

    /// <summary>A candidate was refused by a quorum, or heard who had won, and follows.</summary>
    ElectionLost,

    /// <summary>A candidate waited in vain and asks again.</summary>
    ElectionTimedOut,

    /// <summary>A process ended while it was pre-candidate or candidate.</summary>
    EndedDuringElection,

    /// <summary>A process ended while it led.</summary>
    LeaderEnded,

    /// <summary>Somebody was elected when a later term already had a leader.</summary>
    ElectedInOldTerm,

    /// <summary>A leader stepped down: no quorum was heard.</summary>
    LeaderLostQuorum,

    /// <summary>A leader stepped down: its disk did not answer.</summary>
    LeaderDiskStalled,

    /// <summary>A leader stepped down: it heard of a later term.</summary>
    LeaderSawLaterTerm,

    /// <summary>A leader's connection was closed, and its followers did not wait for the timeout.</summary>
    LeaderConnectionClosed,

    /// <summary>Entries of another leader had to go.</summary>
    Truncated,

    /// <summary>Some of those were on the disk already.</summary>
    TruncatedDurableEntries,

    /// <summary>A leader looked for where a follower's log parts from its own.</summary>
    FollowerDiverges,

    /// <summary>A follower lags so far that the leader reads from its disk what it needs.</summary>
    FollowerFarBehind,

    /// <summary>A state machine was so far behind that what it needed was no longer in memory.</summary>
    StateMachineFarBehind,

    /// <summary>A follower is not sent what it lacks, because too much is on its way to it.</summary>
    WindowFull,

    /// <summary>An append came from a leader of an earlier term.</summary>
    AppendOfOldTerm,

    /// <summary>An append came with entries that are committed here already.</summary>
    AppendBelowCommit,

    /// <summary>An append came with entries all of which are here already.</summary>
    AppendDuplicate,

    /// <summary>A leader's commit is ahead of its own disk.</summary>
    CommitAheadOfOwnDisk,

    /// <summary>A forwarded proposal came again and was not taken again.</summary>
    ForwardDuplicate,

    /// <summary>A member sent its leader again what may have been lost.</summary>
    ForwardRetried,

    /// <summary>A forwarded proposal came in a term it was not meant for.</summary>
    ForwardOfOtherTerm,

    /// <summary>A read came to a leader that has not committed anything in its term yet.</summary>
    ReadBeforeTermCommitted,

    /// <summary>A follower asked the leader where it may read.</summary>
    ReadForwarded,

    /// <summary>A question of a follower came to somebody who does not lead, or is too busy.</summary>
    ForwardedReadRejected,

    /// <summary>A read was confirmed in a later turn than the one it came in, by a quorum's answers.</summary>
    ReadConfirmedByQuorum,

    /// <summary>A read was refused: too many wait.</summary>
    ReadRejectedBusy,

    /// <summary>A write that never finished was cut off when the log was opened.</summary>
    TornTailTruncated,

    /// <summary>A member whose disk is damaged refused to start.</summary>
    StartRefusedOnCorruption,

    /// <summary>Somebody came with another data folder than when it was met, and was refused.</summary>
    ChangedIncarnationRejected,

    /// <summary>A sector could not be read.</summary>
    DiskReadFailed,

    /// <summary>A frame was found to have landed in another place.</summary>
    WriteMisdirected,

    /// <summary>A member had to come back while the cluster was in its quiet phase.</summary>
    StartedInLivenessPhase,
}
