using Quorate.Raft;

namespace Quorate.Node;

/// <summary>What a read barrier waits for. Without an option: for linearizability.</summary>
/// <remarks>
/// <code>
///   default         every command that any node acknowledged before the call                      one round of the leader
///   MaxStaleness    every command that any node acknowledged at least so long before the call     none, if one was made that recently
///   AtLeastIndex    the entries up to an index, such as that of the caller's own last command     none
///   AllowLease      as by default                                                                 none, at a leader with a lease
/// </code>
/// With several options, all of them hold.
/// </remarks>
public readonly record struct ReadOptions
{
    /// <summary>
    /// The state machine must have applied the log up to this index, for example up to <see cref="ProposalResult{TResult}.Index"/> of a
    /// command that the reader must see on another member. Default 0: no index.
    /// </summary>
    /// <remarks>
    /// Without <see cref="MaxStaleness"/>, nothing else is required: the barrier contacts no other member and succeeds without a leader. It
    /// waits until the index is applied, or is cancelled; an index that does not exist yet may never be.
    /// </remarks>
    public LogIndex AtLeastIndex { get; init; }

    /// <summary>
    /// The state machine must contain every command that any node acknowledged at least this long before the call; at least zero. Default
    /// null: no bound.
    /// </summary>
    /// <remarks>
    /// The node measures the time since it last requested a read index that was granted and is applied, by a clock of its own that counts
    /// suspension. If that is longer ago, the barrier requests one, as a linearizable read does; without a leader it then waits. Too small:
    /// most reads wait for a round trip. Too large: readers see older states than they need to.
    /// </remarks>
    public TimeSpan? MaxStaleness { get; init; }

    /// <summary>
    /// Whether the leader may rely on its lease (<see cref="RaftNodeOptions.LeaseDuration"/>) instead of a round of messages. Default
    /// false.
    /// </summary>
    /// <remarks>
    /// The read is linearizable if the clocks of the members differ in rate by no more than
    /// <see cref="RaftNodeOptions.LeaseClockDriftMax"/>, and no hypervisor stops a whole machine. The barrier checks the lease before the
    /// read; the caller checks it after the read, by <see cref="ReadResult.IsStillValid"/>, because the process may have been paused
    /// between the two. At a member without a lease the barrier is as without this option.
    /// </remarks>
    public bool AllowLease { get; init; }

    /// <summary>Whether only an index is required, which needs no other member.</summary>
    internal bool IsIndexOnly => AtLeastIndex > LogIndex.Zero && MaxStaleness is null && !AllowLease;

    /// <exception cref="ArgumentOutOfRangeException"><see cref="MaxStaleness"/> is negative.</exception>
    internal void Validate()
    {
        if (MaxStaleness is { } staleness && staleness < TimeSpan.Zero)
            throw new ArgumentOutOfRangeException(nameof(MaxStaleness), staleness, "MaxStaleness must be at least zero.");
    }
}
