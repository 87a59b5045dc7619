using Quorate.Raft;

namespace Quorate.Node.Typed;

/// <summary>
/// A replicated state machine whose commands are objects. <see cref="IStateMachine{TResult}"/> describes what a state machine must
/// observe; the same holds here.
/// </summary>
/// <typeparam name="TCommand">The command type; an <see cref="ICommandCodec{TCommand}"/> encodes it.</typeparam>
/// <typeparam name="TResult">The result of a command, returned to its proposer.</typeparam>
/// <remarks>
/// Every member, also the proposer, applies the command that it decoded from the log, never the object that was proposed. Members
/// therefore apply equal commands even if encoding loses something, such as a property that is not serialized.
/// </remarks>
public interface ITypedStateMachine<in TCommand, out TResult>
    where TCommand : notnull
{
    /// <summary>Applies one committed command and returns its result.</summary>
    /// <param name="id">The position of the command in the log; unique, and the same on every member.</param>
    /// <param name="command">The command, decoded from the log.</param>
    TResult Apply(EntryId id, TCommand command);

    /// <inheritdoc cref="IStateMachine{TResult}.BatchApplied"/>
    void BatchApplied(LogIndex last)
    {
    }

    /// <inheritdoc cref="IStateMachine{TResult}.StateHash"/>
    ulong? StateHash => null;

    /// <inheritdoc cref="IStateMachine{TResult}.CaptureSnapshot"/>
    IStateMachineSnapshot? CaptureSnapshot() => null;

    /// <inheritdoc cref="IStateMachine{TResult}.RestoreSnapshot"/>
    void RestoreSnapshot(EntryId last, Stream source) =>
        throw new NotSupportedException($"{GetType().Name} cannot restore a snapshot: it does not implement RestoreSnapshot.");
}
