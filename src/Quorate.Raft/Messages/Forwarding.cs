namespace Quorate.Raft;

/// <summary>Follower to leader: put these in your log for me.</summary>
/// <remarks>
/// Shape: <see cref="Message.Term"/> is the term in which the sender took the receiver for leader. A leader of any other term refuses,
/// so a message that was long on its way can never bring a proposal into the log after its sender was told that it is dead. One that comes
/// twice is taken once.
/// </remarks>
public sealed class ForwardProposals : Message
{
    /// <summary>The proposals, in the order they were made.</summary>
    public ReadOnlyMemory<Proposal> Proposals { get; set; }

    internal override void Reset() => Proposals = default;

    /// <inheritdoc/>
    public override string ToString() => $"ForwardProposals {From}→{To} term {Term} count {Proposals.Length}";
}

/// <summary>Leader, or former leader, to follower: these did not enter my log and will not.</summary>
public sealed class RejectProposals : Message
{
    /// <summary>The proposals that were refused: a range of the receiver's sequence numbers, both ends included.</summary>
    public ulong FirstSequence { get; set; }

    /// <summary>The last of them.</summary>
    public ulong LastSequence { get; set; }

    /// <summary>Why.</summary>
    public RejectReason Reason { get; set; }

    /// <inheritdoc/>
    public override string ToString() => $"RefuseProposals {From}→{To} term {Term} {FirstSequence}..{LastSequence} {Reason}";
}

/// <summary>Follower to leader: up to where must I have applied before I may read?</summary>
/// <remarks>Source: thesis §6.4, "followers can help offload".</remarks>
public sealed class ReadIndexRequest : Message
{
    /// <summary>The asking core's own number for this question, never used again.</summary>
    public ulong ReadId { get; set; }

    /// <inheritdoc/>
    public override string ToString() => $"ReadIndexRequest {From}→{To} term {Term} id {ReadId}";
}

/// <summary>Leader to follower: the answer to a <see cref="ReadIndexRequest"/>.</summary>
public sealed class ReadIndexReply : Message
{
    /// <summary>The number of the question.</summary>
    public ulong ReadId { get; set; }

    /// <summary>False when the receiver of the question does not lead, or no longer.</summary>
    public bool Granted { get; set; }

    /// <summary>Granted: read once this index has been applied.</summary>
    public LogIndex Index { get; set; }

    /// <inheritdoc/>
    public override string ToString() => $"ReadIndexReply {From}→{To} term {Term} id {ReadId} {(Granted ? $"at {Index}" : "refused")}";
}
