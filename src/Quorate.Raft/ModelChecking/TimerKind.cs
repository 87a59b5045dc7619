namespace Quorate.Raft;

/// <summary>What the passing of time can trigger in a core; see <see cref="RaftCore.Elapse"/>.</summary>
internal enum TimerKind : byte
{
    /// <summary>The heartbeat interval is over: a leader sends heartbeats, another node retries its requests to the leader.</summary>
    Heartbeat = 0,

    /// <summary>No message from the leader for the shortest election timeout: the node may vote for others.</summary>
    LeaderTimeout = 1,

    /// <summary>The node's own election timeout is over.</summary>
    ElectionTimeout = 2,

    /// <summary>
    /// The leader has received no reply from a quorum for an election timeout, or its disk has not completed an append for as long.
    /// </summary>
    QuorumTimeout = 3,
}
