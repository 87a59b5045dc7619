namespace Quorate.Raft;

/// <summary>Forwards proposals from a follower to the leader.</summary>
/// <remarks>
/// Shape: <see cref="Message.Term"/> is the term in which the sender considers the receiver the leader. A leader of any other term does not
/// append the proposals, so a long-delayed message can never bring a proposal into the log after its proposer was notified that it is
/// superseded. A leader appends each proposal of a duplicated message once.
/// </remarks>
public sealed class ForwardProposals : Message
{
    /// <summary>The proposals, in the order they were made.</summary>
    public ReadOnlyMemory<Proposal> Proposals { get; set; }

    internal override void Reset() => Proposals = default;

    /// <inheritdoc/>
    public override string ToString() => $"ForwardProposals {From}→{To} term {Term} count {Proposals.Length}";
}

/// <summary>
/// Rejects forwarded proposals: they did not enter the log of the sender, a leader or another node of the term, and will not.
/// </summary>
public sealed class RejectProposals : Message
{
    /// <summary>The first rejected sequence of the receiver; the range includes both ends.</summary>
    public ulong FirstSequence { get; set; }

    /// <summary>The last rejected sequence.</summary>
    public ulong LastSequence { get; set; }

    /// <summary>The reason.</summary>
    public RejectReason Reason { get; set; }

    /// <inheritdoc/>
    public override string ToString() => $"RejectProposals {From}→{To} term {Term} {FirstSequence}..{LastSequence} {Reason}";
}

/// <summary>ReadIndex request, follower to leader: which index must the follower apply before it may read?</summary>
/// <remarks>Source: thesis §6.4, "followers can help offload".</remarks>
public sealed class ReadIndexRequest : Message
{
    /// <summary>The requesting core's own id for this request, never reused.</summary>
    public ulong ReadId { get; set; }

    /// <inheritdoc/>
    public override string ToString() => $"ReadIndexRequest {From}→{To} term {Term} id {ReadId}";
}

/// <summary>ReadIndex reply, leader to follower.</summary>
public sealed class ReadIndexReply : Message
{
    /// <summary>The id of the <see cref="ReadIndexRequest"/>.</summary>
    public ulong ReadId { get; set; }

    /// <summary>False when the receiver of the request does not lead, or no longer leads.</summary>
    public bool Granted { get; set; }

    /// <summary>When granted: read once this index has been applied.</summary>
    public LogIndex Index { get; set; }

    /// <inheritdoc/>
    public override string ToString() => $"ReadIndexReply {From}→{To} term {Term} id {ReadId} {(Granted ? $"at {Index}" : "refused")}";
}
