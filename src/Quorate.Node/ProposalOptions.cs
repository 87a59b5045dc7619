using Quorate.Raft;

namespace Quorate.Node;

/// <summary>The conditions of one proposal.</summary>
public readonly record struct ProposalOptions
{
    /// <summary>
    /// The only term in which the command may be appended to the log; default null: any term. In another term it is rejected with
    /// <see cref="RejectReason.TermMismatch"/>, and it is never committed later.
    /// </summary>
    /// <remarks>
    /// A leader that decided on the command in its term passes that term, so that a decision which has become stale by a change of leader
    /// has no effect. A proposal with an expected term does not wait for a leader: without one it is rejected with
    /// <see cref="RejectReason.NoLeader"/>.
    /// </remarks>
    public Term? ExpectedTerm { get; init; }

    /// <summary>
    /// Whether the command takes no lasting space, as one that deletes or compacts; default false. While the disk of the node is short of
    /// space, only such commands are accepted; others are rejected with <see cref="RejectReason.NoSpace"/>.
    /// </summary>
    /// <remarks>
    /// Such commands use a reserve of the size of one log segment. When it is used up they are rejected too, until there is space.
    /// </remarks>
    public bool FreesSpace { get; init; }
}
