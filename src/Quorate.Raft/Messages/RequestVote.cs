namespace Quorate.Raft;

/// <summary>RequestVote request, candidate to all voters.</summary>
/// <remarks>Source: paper Fig. 2; pre-vote, thesis §9.6.</remarks>
public sealed class RequestVote : Message
{
    /// <summary>
    /// Whether this is a pre-vote: would the receiver vote for the sender in this term? A pre-vote changes the term of no node.
    /// </summary>
    public bool PreVote { get; set; }

    /// <summary>
    /// Whether the leader has asked the candidate to campaign (thesis §3.10): a voter that receives from a leader considers the request all
    /// the same. A version that does not know the mark ignores such a request like any other.
    /// </summary>
    public bool IsTransfer { get; set; }

    /// <summary>The last entry of the candidate's log.</summary>
    public EntryId LastEntry { get; set; }

    /// <inheritdoc/>
    public override string ToString() =>
        $"{(PreVote ? "PreVote" : "RequestVote")} {From}→{To} term {Term} last {LastEntry}{(IsTransfer ? " transfer" : "")}";
}

/// <summary>RequestVote reply, voter to candidate.</summary>
/// <remarks>
/// Shape: a granted pre-vote carries the requested term; every other reply carries the voter's own term, and a candidate that is behind
/// adopts it. Durability: a granted vote is sent only when it is on disk. Source: paper Fig. 2.
/// </remarks>
public sealed class RequestVoteReply : Message
{
    /// <summary>Whether this is the reply to a pre-vote.</summary>
    public bool PreVote { get; set; }

    /// <summary>Whether the vote was granted.</summary>
    public bool Granted { get; set; }

    /// <inheritdoc/>
    public override string ToString() =>
        $"{(PreVote ? "PreVoteReply" : "RequestVoteReply")} {From}→{To} term {Term} {(Granted ? "granted" : "refused")}";
}
