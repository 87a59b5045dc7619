namespace Quorate.Raft;

/// <summary>
/// The replicated state machine: every member applies the same commands to it in the same order, and it must be deterministic.
/// </summary>
/// <typeparam name="TResult">The result of a command, returned to its proposer.</typeparam>
/// <remarks>
/// Shape: <see cref="Apply"/> must depend on nothing but the state of the state machine and the command: no clock, no randomness, no
/// culture, no order of a hash table. The state machine is empty at every start of its node and applies the log from the beginning: an
/// external side effect would be repeated.
/// Threading: one call at a time, not always on the same thread, in the order of the log, each command once per process.
/// Errors: an exception is a bug of the state machine; the node stops, because skipping a command would make the members diverge.
/// Source: paper §2.
/// </remarks>
public interface IStateMachine<out TResult>
{
    /// <summary>Applies one committed command and returns its result.</summary>
    TResult Apply(in CommittedCommand command);

    /// <summary>
    /// Called after a run of commands up to and including <paramref name="last"/> has been applied: readers may now see their effects.
    /// Results of <see cref="Apply"/> reach their proposers only after this method returns.
    /// </summary>
    void BatchApplied(LogIndex last)
    {
    }
}

/// <summary>A command that is durable on a quorum and that every member will apply.</summary>
/// <remarks>Lifetime: the bytes stay unchanged for as long as they are referenced.</remarks>
public readonly record struct CommittedCommand(EntryId Id, ReadOnlyMemory<byte> Command);
