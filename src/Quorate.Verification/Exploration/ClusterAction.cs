using Quorate.Raft;

namespace Quorate.Verification.Exploration;

/// <summary>What can happen to a cluster.</summary>
internal enum ActionKind : byte
{
    /// <summary>A message arrives.</summary>
    Deliver,

    /// <summary>A message arrives, and will arrive once more.</summary>
    Duplicate,

    /// <summary>A request for a vote arrives at somebody who has not heard its leader for a while.</summary>
    DeliverAfterLeaderTimeout,

    /// <summary>A message is lost.</summary>
    Drop,

    /// <summary>A member's election timeout is over.</summary>
    Timeout,

    /// <summary>A leader's heartbeat is due; somebody's question may be asked again.</summary>
    Heartbeat,

    /// <summary>A member is cut off: what is on its way to it and from it is lost, and all that follows, until it is reconnected.</summary>
    Isolate,

    /// <summary>The member that was cut off is not any more.</summary>
    Reconnect,

    /// <summary>A leader has heard no quorum for long.</summary>
    QuorumTimeout,

    /// <summary>A connection closes.</summary>
    PeerLost,

    /// <summary>A client proposes a command.</summary>
    Propose,

    /// <summary>A client wants to read.</summary>
    Read,

    /// <summary>The disk has flushed some of what it was given.</summary>
    FlushCompletes,

    /// <summary>The state machine has applied what it was handed.</summary>
    Apply,

    /// <summary>A process ends, its machine loses power, and it starts again from what its disk holds.</summary>
    Crash,
}

/// <summary>One thing that happens.</summary>
/// <param name="Kind">What.</param>
/// <param name="Node">To whom.</param>
/// <param name="Message">The message it is about.</param>
/// <param name="Peer">The other end of a connection.</param>
/// <param name="Appends">Flush: how many appends are durable now. Crash: how many had their entries on the disk.</param>
/// <param name="HardStates">Crash: how many appends had their term and vote on the disk.</param>
/// <param name="Number">Propose, Read: which one.</param>
internal sealed record ClusterAction(
    ActionKind Kind, NodeId Node, SentMessage? Message = null, NodeId Peer = default, int Appends = 0, int HardStates = 0, int Number = 0)
{
    public override string ToString() => Kind switch
    {
        ActionKind.Deliver or ActionKind.DeliverAfterLeaderTimeout or ActionKind.Duplicate or ActionKind.Drop => $"{Kind} {Message}",
        ActionKind.PeerLost => $"{Kind} {Node} loses {Peer}",
        ActionKind.FlushCompletes => $"{Kind} {Node} {Appends} appends",
        ActionKind.Crash when HardStates > 0 => $"{Kind} {Node} keeps {Appends} appends, term and vote of {HardStates}",
        ActionKind.Propose or ActionKind.Read => $"{Kind} {Node} #{Number}",
        _ => $"{Kind} {Node}",
    };
}
