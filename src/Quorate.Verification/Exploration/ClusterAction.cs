using Quorate.Raft;

namespace Quorate.Verification.Exploration;

/// <summary>The kinds of actions of <see cref="ClusterModel"/>.</summary>
internal enum ClusterActionKind : byte
{
    /// <summary>A message is delivered and leaves the network.</summary>
    Deliver,

    /// <summary>A message is delivered and stays on the network, so it will be delivered again.</summary>
    Duplicate,

    /// <summary>A vote request is delivered to a member that has not received from its leader for an election timeout.</summary>
    DeliverAfterLeaderTimeout,

    /// <summary>A message is lost.</summary>
    Drop,

    /// <summary>A member's election timeout expires.</summary>
    Timeout,

    /// <summary>A leader's heartbeat is due, or a follower's forwarded reads are due to be sent again.</summary>
    Heartbeat,

    /// <summary>
    /// A member is isolated: messages to and from it are lost, those on the network and later ones, until it is reconnected.
    /// </summary>
    Isolate,

    /// <summary>The isolated member is reconnected.</summary>
    Reconnect,

    /// <summary>A leader has received replies from no quorum for an election timeout.</summary>
    QuorumTimeout,

    /// <summary>A connection closes, and one of its ends detects it.</summary>
    PeerLost,

    /// <summary>A client proposes a command.</summary>
    Propose,

    /// <summary>A client requests a read.</summary>
    Read,

    /// <summary>The disk has flushed the oldest pending appends.</summary>
    FlushCompletes,

    /// <summary>The state machine has applied the entries that the core emitted.</summary>
    Apply,

    /// <summary>A snapshot of the member's state machine is durable on its disk; its core is not notified yet.</summary>
    TakeSnapshot,

    /// <summary>The snapshot of another member is durable on the disk of a member that needs one; its core is not notified yet.</summary>
    ReceiveSnapshot,

    /// <summary>The core is notified of the snapshot that is durable on its disk.</summary>
    NoticeSnapshot,

    /// <summary>A process ends, its host loses power, and the member restarts from the contents of its disk.</summary>
    Crash,

    /// <summary>As <see cref="Crash"/>, and the log on the disk is corrupt: the member restarts without it, and repairs it.</summary>
    LoseLog,
}

/// <summary>One action of the model.</summary>
/// <param name="Kind">The kind of the action.</param>
/// <param name="Node">The member that acts or is affected.</param>
/// <param name="Message">Deliver, DeliverAfterLeaderTimeout, Duplicate, Drop: the message.</param>
/// <param name="Peer">PeerLost: the other end of the connection. ReceiveSnapshot: the member that sends the snapshot.</param>
/// <param name="Appends">FlushCompletes: how many appends become durable. Crash: of how many appends the entries survive.</param>
/// <param name="HardStates">Crash, LoseLog: of how many appends term and vote survive.</param>
/// <param name="Number">Propose, Read: the number of the proposal or read. LoseLog: 1 if the snapshot is corrupt too.</param>
internal sealed record ClusterAction(
    ClusterActionKind Kind, NodeId Node, SentMessage? Message = null, NodeId Peer = default, int Appends = 0, int HardStates = 0,
    int Number = 0)
{
    public override string ToString() => Kind switch
    {
        ClusterActionKind.Deliver or ClusterActionKind.DeliverAfterLeaderTimeout or ClusterActionKind.Duplicate or ClusterActionKind.Drop =>
            $"{Kind} {Message}",
        ClusterActionKind.PeerLost => $"{Kind} {Node} loses {Peer}",
        ClusterActionKind.ReceiveSnapshot => $"{Kind} {Node} from {Peer}",
        ClusterActionKind.FlushCompletes => $"{Kind} {Node} {Appends} appends",
        ClusterActionKind.Crash when HardStates > 0 => $"{Kind} {Node} keeps {Appends} appends, term and vote of {HardStates}",
        ClusterActionKind.LoseLog => $"{Kind} {Node}{(Number > 0 ? " and its snapshot" : "")}, term and vote of {HardStates} survive",
        ClusterActionKind.Propose or ClusterActionKind.Read => $"{Kind} {Node} #{Number}",
        _ => $"{Kind} {Node}",
    };
}
