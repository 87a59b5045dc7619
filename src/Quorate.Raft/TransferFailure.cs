namespace Quorate.Raft;

/// <summary>Why leadership was not transferred to the requested member.</summary>
/// <remarks>
/// After <see cref="AnotherLeader"/> and <see cref="Expired"/> this node may no longer lead; after every other failure it leads as before,
/// if it did.
/// </remarks>
public enum TransferFailure : byte
{
    /// <summary>This node does not lead.</summary>
    NotLeader = 1,

    /// <summary>The target is no member of the cluster.</summary>
    UnknownMember = 2,

    /// <summary>The target is a learner, which cannot lead.</summary>
    NotVoter = 3,

    /// <summary>Not all members know leadership transfers: the version of the cluster is too low.</summary>
    NotSupported = 4,

    /// <summary>Another transfer is in progress.</summary>
    InProgress = 5,

    /// <summary>No target was named, and no voter replies and receives entries, so none could take over.</summary>
    NoCandidate = 6,

    /// <summary>The target has not replied for an election timeout, or its connection was closed during the transfer.</summary>
    TargetUnreachable = 7,

    /// <summary>The target lacks so many entries that it did not receive all of them before the deadline, or needs a snapshot.</summary>
    TargetLags = 8,

    /// <summary>
    /// The target held the whole log and had not been elected by the deadline: it may be unable to write its disk, or quarantined.
    /// </summary>
    Expired = 9,

    /// <summary>Another member than the target was elected.</summary>
    AnotherLeader = 10,
}
