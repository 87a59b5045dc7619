namespace Quorate.Raft;

/// <summary>What is replicated: a deterministic machine that every member feeds with the same commands in the same order.</summary>
/// <typeparam name="TResult">What a command answers to whoever proposed it.</typeparam>
/// <remarks>
/// Shape: <see cref="Apply"/> must depend on nothing but the machine's state and the command: no clock, no randomness, no culture, no
/// order of a hash table. It starts empty with every start of its node, and is fed the log from the beginning: an effect on the world outside would
/// be repeated. Threading: one call at a time, not always on the same thread, in the order of the log, each command once in a life of the node.
/// Errors: an exception is a bug of the machine; the node stops, because to skip a command would let the members differ.
/// Source: paper §2.
/// </remarks>
public interface IStateMachine<out TResult>
{
    /// <summary>Applies one committed command and answers it.</summary>
    TResult Apply(in CommittedCommand command);

    /// <summary>
    /// A run of commands has been applied, up to and including <paramref name="last"/>: what they did may now be seen by readers. Results
    /// of <see cref="Apply"/> reach their proposers only after this returns.
    /// </summary>
    void BatchApplied(LogIndex last)
    {
    }
}

/// <summary>A command that a quorum holds on disk and that every member will apply.</summary>
/// <remarks>Lifetime: the bytes stay unchanged for as long as they are referred to.</remarks>
public readonly record struct CommittedCommand(EntryId Id, ReadOnlyMemory<byte> Command);
