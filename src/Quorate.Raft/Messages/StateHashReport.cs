namespace Quorate.Raft;

/// <summary>The hash of the sender's state machine after an entry, for the receiver to compare with its own.</summary>
/// <remarks>
/// The drivers exchange it, and the core never sees it: a hash changes nothing in the protocol. <see cref="Message.Term"/> is not used.
/// </remarks>
public sealed class StateHashReport : Message
{
    /// <summary>The last entry that the state machine had applied.</summary>
    public LogIndex Index { get; set; }

    /// <summary>The <see cref="IStateMachine{TResult}.StateHash"/> after it.</summary>
    public ulong Hash { get; set; }

    /// <inheritdoc/>
    public override string ToString() => $"StateHashReport {From}→{To} after {Index} hash {Hash:x16}";
}
