#pragma warning disable RS0030 // A Stream is where the state machine's interface writes a snapshot; the caller decides what is behind it.

using Quorate.Raft;

namespace Quorate.Kv.Snapshots;

/// <summary>A frozen state of the store, which the node writes to a snapshot while further commands are applied.</summary>
/// <remarks>It keeps alive the pages that have changed since, until it is disposed.</remarks>
internal sealed class KvStateMachineSnapshot(StoreState state) : IStateMachineSnapshot
{
    private StoreState? _state = state;

    /// <inheritdoc/>
    public void WriteTo(Stream destination) =>
        SnapshotEncoder.Write(_state ?? throw new ObjectDisposedException(nameof(KvStateMachineSnapshot)), destination);

    /// <inheritdoc/>
    public void Dispose() => _state = null;
}
