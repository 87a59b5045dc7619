namespace Quorate.Raft;

/// <summary>What a leader knows of one other member.</summary>
/// <param name="Node">The member.</param>
/// <param name="State">How entries are sent to it.</param>
/// <param name="Match">The last index that is known to be on its disk and equal to the leader's entry.</param>
/// <param name="Next">The first index that was not sent to it yet; while the leader searches, one after the entry under test.</param>
public readonly record struct FollowerStatus(NodeId Node, ReplicationState State, LogIndex Match, LogIndex Next)
{
    /// <summary>The ticks since its last reply; since the election if it has not replied since.</summary>
    public ulong TicksSinceReply { get; init; }

    /// <summary>Whether it has reported that its disk is short of space, or full.</summary>
    public bool IsShortOfSpace { get; init; }

    /// <summary>Whether it has reported that it cannot write its disk.</summary>
    public bool CannotWrite { get; init; }

    /// <summary>Whether it has reported that it has lost entries and does not vote.</summary>
    public bool IsRepairing { get; init; }
}
