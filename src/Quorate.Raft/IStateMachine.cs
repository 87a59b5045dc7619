#pragma warning disable RS0030 // A Stream is the bytes that serializers of .NET read; the caller decides what is behind it.

namespace Quorate.Raft;

/// <summary>
/// The replicated state machine: every member applies the same commands to it in the same order, and it must be deterministic.
/// </summary>
/// <typeparam name="TResult">The result of a command, returned to its proposer.</typeparam>
/// <remarks>
/// Shape: <see cref="Apply"/> must depend on nothing but the state of the state machine and the command: no clock, no randomness, no
/// culture, no order of a hash table. At every start of its node the state machine is empty; the node restores its newest snapshot, if
/// there is one, and applies the log from there: an external side effect would be repeated.
/// Snapshots: <see cref="CaptureSnapshot"/> and <see cref="RestoreSnapshot"/> are optional. Without them the log grows without bound, a
/// start applies all of it, and a new or distant follower receives all of it. Implement both or neither, and first
/// <see cref="RestoreSnapshot"/>: once a snapshot was taken, the node cannot start without it. A state machine that wraps another one must
/// pass them on, because its own defaults would hide those of the wrapped one.
/// Threading: one call at a time, not always on the same thread, in the order of the log, each command once per process.
/// Errors: an exception is a bug of the state machine; the node stops, because skipping a command would make the members diverge, and stops
/// at this command again after each start. docs/operating/poison-commands.md describes the way past it.
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

    /// <summary>
    /// A hash of the state after the last command, which the members compare with each other; null: nothing is compared. Default: null.
    /// </summary>
    /// <remarks>
    /// Shape: members that have applied the same commands must have the same hash, also when one of them was restored from a snapshot, so
    /// a hash that cannot be computed from the state is part of the snapshot. It may cover the state, or everything that led to it: a sum
    /// over the hashes of all changes costs a constant time for each command. A member whose hash differs from that of a majority is
    /// quarantined: when another version of the program computes another hash, return null until all members run it.
    /// Threading: called like <see cref="Apply"/>, after some commands and within a batch too; no command is applied until it returns.
    /// </remarks>
    ulong? StateHash => null;

    /// <summary>
    /// Returns an immutable view of the current state, or null to take no snapshot now: the node then keeps the log. Default: null.
    /// </summary>
    /// <remarks>
    /// Threading: called like <see cref="Apply"/>, after a <see cref="BatchApplied"/> and before the next <see cref="Apply"/>, so the view
    /// is the state after exactly the index that <see cref="BatchApplied"/> received. No command is applied until the method returns:
    /// return a reference to an immutable state, and leave the encoding to <see cref="IStateMachineSnapshot.WriteTo"/>.
    /// Errors: an exception stops the node, like one of <see cref="Apply"/>.
    /// </remarks>
    IStateMachineSnapshot? CaptureSnapshot() => null;

    /// <summary>Replaces the whole state by that of a snapshot. Default: throws <see cref="NotSupportedException"/>.</summary>
    /// <param name="last">The last entry whose effect is in the snapshot; the next command applied is behind it.</param>
    /// <param name="source">
    /// Exactly the bytes that <see cref="IStateMachineSnapshot.WriteTo"/> wrote, on this member or another, perhaps by an earlier version
    /// of the program. It can only be read, and a read may return fewer bytes than requested. Their checksums are verified before they are
    /// returned.
    /// </param>
    /// <remarks>
    /// Shape: all or nothing. Read the snapshot into a new state and replace the old one at the end: readers on other threads see the old
    /// state or the new one, and if the method throws, the state is unchanged. Nothing of the old state remains in the new one.
    /// Threading: called like <see cref="Apply"/>: at the start of the node before any command, or later, when this member lags so far
    /// behind that the leader no longer has the entries. <see cref="BatchApplied"/> follows with the index of <paramref name="last"/>.
    /// Errors: the stream throws <see cref="OperationCanceledException"/> when the node stops and <see cref="IOException"/> when the data
    /// cannot be read; let both pass. Any other exception stops the node, because without the snapshot the commands behind it cannot be
    /// applied.
    /// </remarks>
    void RestoreSnapshot(EntryId last, Stream source) =>
        throw new NotSupportedException($"{GetType().Name} cannot restore a snapshot: it does not implement RestoreSnapshot.");
}

/// <summary>A command that is durable on a quorum and that every member will apply.</summary>
/// <remarks>Lifetime: the bytes stay unchanged for as long as they are referenced.</remarks>
public readonly record struct CommittedCommand(EntryId Id, ReadOnlyMemory<byte> Command);
