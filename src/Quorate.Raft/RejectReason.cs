namespace Quorate.Raft;

/// <summary>Why a proposal or a read was not taken. Nothing happened, and nothing will: it may be tried again, but for one that is too large.</summary>
public enum RejectReason : byte
{
    /// <summary>No leader is known, now.</summary>
    NoLeader = 1,

    /// <summary>The node that was asked does not lead in the term it was asked in.</summary>
    NotLeader = 2,

    /// <summary>Too much is on its way already: try again a little later.</summary>
    Busy = 3,

    /// <summary>The command is larger than the cluster takes.</summary>
    TooLarge = 4,

    /// <summary>Another leader's log took the proposal's place, and it can no longer be committed.</summary>
    Superseded = 5,

    /// <summary>The node that was asked is stopping, or has stopped: try another.</summary>
    Stopped = 6,

    /// <summary>Whoever asked had given up before it was taken.</summary>
    Cancelled = 7,
}
