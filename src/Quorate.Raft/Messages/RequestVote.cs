namespace Quorate.Raft;

/// <summary>Candidate to all voters: elect me.</summary>
/// <remarks>Source: paper Fig. 2; pre-vote, thesis §9.6.</remarks>
public sealed class RequestVote : Message
{
    /// <summary>Only asking: would you vote for me in this term? Nobody's term changes by asking.</summary>
    public bool PreVote { get; set; }

    /// <summary>The last entry of the candidate's log.</summary>
    public EntryId LastEntry { get; set; }

    /// <inheritdoc/>
    public override string ToString() => $"{(PreVote ? "PreVote" : "RequestVote")} {From}→{To} term {Term} last {LastEntry}";
}

/// <summary>Voter to candidate.</summary>
/// <remarks>
/// Shape: a granted pre-vote carries the term that was asked for; every other reply carries the voter's own term, and a candidate
/// that is behind adopts it. Durability: a granted vote leaves only when it is on disk. Source: paper Fig. 2.
/// </remarks>
public sealed class RequestVoteReply : Message
{
    /// <summary>Answers a pre-vote.</summary>
    public bool PreVote { get; set; }

    /// <summary>Whether the vote was given.</summary>
    public bool Granted { get; set; }

    /// <inheritdoc/>
    public override string ToString() =>
        $"{(PreVote ? "PreVoteReply" : "RequestVoteReply")} {From}→{To} term {Term} {(Granted ? "granted" : "refused")}";
}
