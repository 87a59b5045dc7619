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

    /// <summary>
    /// Another change of the configuration is in progress, or the leader has just been elected: retry after a short delay.
    /// </summary>
    ChangeInProgress = 20,

    /// <summary>The configuration is not the one that the change expects (<see cref="ConfigurationChange.ExpectedIndex"/>).</summary>
    ConfigurationChanged = 21,

    /// <summary>
    /// After the change, less than a majority of the voters could be reached: add and start members first, or remove others.
    /// </summary>
    QuorumWouldBeLost = 22,

    /// <summary>The change adds a member with the id of another one.</summary>
    MemberExists = 23,

    /// <summary>The change names a member that does not exist.</summary>
    MemberNotFound = 24,

    /// <summary>Another member has the address.</summary>
    AddressInUse = 25,

    /// <summary>Only a learner can be promoted.</summary>
    NotALearner = 26,

    /// <summary>Only a voter can be demoted.</summary>
    NotAVoter = 27,

    /// <summary>The learner has not caught up with the leader, or cannot be reached.</summary>
    LearnerNotReady = 28,

    /// <summary>The configuration would have no voter.</summary>
    NoVoterLeft = 29,

    /// <summary>The configuration would have more members than it may.</summary>
    TooManyMembers = 30,

    /// <summary>The change is malformed, or names a member twice.</summary>
    InvalidChange = 31,

    /// <summary>Some member runs a version that does not know the request; it can be made when all are upgraded.</summary>
    NotSupported = 32,
}
