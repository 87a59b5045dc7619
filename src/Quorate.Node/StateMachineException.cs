using Quorate.Raft;

namespace Quorate.Node;

/// <summary>
/// The state machine threw an exception. The node has stopped, because its state may differ from that of the other members.
/// </summary>
/// <remarks>
/// After each start the node stops again at the same entry, and so does every other member. docs/operating/poison-commands.md describes the
/// way past it.
/// </remarks>
public sealed class StateMachineException : Exception
{
    /// <summary>Creates the exception.</summary>
    public StateMachineException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    /// <summary>Creates the exception.</summary>
    public StateMachineException(string message)
        : base(message)
    {
    }

    /// <summary>Creates the exception.</summary>
    public StateMachineException()
    {
    }

    /// <summary>
    /// The entry whose command the state machine could not apply, or the last one of the batch if it threw in
    /// <see cref="IStateMachine{TResult}.BatchApplied"/>.
    /// </summary>
    public EntryId Entry { get; init; }
}
