namespace Quorate.Raft;

/// <summary>
/// Why a proposal or a read was rejected. A rejected request has no effect, now or later.
/// </summary>
public enum RejectReason : byte
{
    /// <summary>No leader is currently known.</summary>
    NoLeader = 1,

    /// <summary>The node that received it does not lead in the term of the request.</summary>
    NotLeader = 2,

    /// <summary>Too many requests are in flight: retry after a short delay.</summary>
    Busy = 3,

    /// <summary>The command exceeds <see cref="RaftOptions.MaxCommandBytes"/>.</summary>
    TooLarge = 4,

    /// <summary>An entry of a later term was committed without the proposal, which can no longer be committed.</summary>
    Superseded = 5,

    /// <summary>The term of the node is not the <see cref="Proposal.ExpectedTerm"/>: in that term it would be rejected again.</summary>
    TermMismatch = 6,

    /// <summary>
    /// The disk of the node is full, or so short of space that it takes only commands that need no more (<c>ProposalOptions.FreesSpace</c>
    /// of the node). Writes are taken again when there is space.
    /// </summary>
    NoSpace = 7,

    /// <summary>
    /// The state machine of the node is quarantined: it is not in the state that the log prescribes. Other members take the request.
    /// </summary>
    Quarantined = 8,
}
