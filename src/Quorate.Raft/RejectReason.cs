namespace Quorate.Raft;

/// <summary>
/// Why a proposal or a read was rejected. A rejected request has no effect, now or later, and may be retried unless it is too large.
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

    /// <summary>The node that received it is stopping or has stopped: retry on another node.</summary>
    Stopped = 6,

    /// <summary>The caller canceled the request before it was accepted.</summary>
    Cancelled = 7,
}
