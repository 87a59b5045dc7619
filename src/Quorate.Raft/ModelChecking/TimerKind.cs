namespace Quorate.Raft;

/// <summary>What the passing of time brings about in a core; see <see cref="RaftCore.Elapse"/>.</summary>
internal enum TimerKind : byte
{
    /// <summary>A leader's heartbeat is due; what another member was asked may be asked again.</summary>
    Heartbeat = 0,

    /// <summary>The leader has not been heard for the shortest election timeout: others may be voted for.</summary>
    LeaderTimeout = 1,

    /// <summary>This node's own election timeout is over.</summary>
    ElectionTimeout = 2,

    /// <summary>A leader has not been heard by a quorum for an election timeout, or its disk has not answered for as long.</summary>
    QuorumTimeout = 3,
}
