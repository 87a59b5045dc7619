#pragma warning disable RS0030 // A Stream is where serializers of .NET write; the caller decides what is behind it.

namespace Quorate.Raft;

/// <summary>An immutable view of a state machine after one index of the log, which the node writes to a snapshot.</summary>
/// <remarks>
/// Shape: the view does not change while the state machine applies further commands. Immutable or copy-on-write collections give such a
/// view without a copy.
/// Threading: <see cref="WriteTo"/> runs on a background thread while the state machine applies commands. <see cref="IDisposable.Dispose"/>
/// is called exactly once, on any thread, also when the view was not written or not completely.
/// Source: thesis §5.1.1.
/// </remarks>
public interface IStateMachineSnapshot : IDisposable
{
    /// <summary>Writes the whole state, in a format that <see cref="IStateMachine{TResult}.RestoreSnapshot"/> reads.</summary>
    /// <param name="destination">
    /// Receives the bytes and cuts them into checksummed chunks. It can only be written, and a write may block while the disk is slow.
    /// Write in small parts: then the memory in use stays bounded, whatever the size of the state.
    /// </param>
    /// <remarks>
    /// Shape: the bytes are a format on disk and on the wire; begin them with a version. The same state should give the same bytes on every
    /// member: sort what comes out of a hash table. A backup calls the method twice, and the second call must write the same bytes.
    /// Errors: the stream throws <see cref="OperationCanceledException"/> when the node abandons the snapshot and <see cref="IOException"/>
    /// when the disk fails; let both pass. Throw <see cref="StateCorruptionException"/> when the state is not what the commands have made
    /// of it: the node then quarantines itself. After any exception the node discards what was written and keeps the log.
    /// </remarks>
    void WriteTo(Stream destination);
}
