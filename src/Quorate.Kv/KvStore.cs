#pragma warning disable RS0030 // A Stream is where the state machine's interface reads a snapshot; the caller decides what is behind it.

using Quorate.Kv.Leases;
using Quorate.Kv.Mvcc;
using Quorate.Kv.Snapshots;
using Quorate.Raft;

namespace Quorate.Kv;

/// <summary>
/// The replicated key-value store: applies commands in the order of the log, and shows readers the state after each batch.
/// </summary>
/// <remarks>
/// Shape: commands are encoded by <see cref="KvCommandCodec.Encode"/>. The contents and results of the store depend on the commands alone.
/// Threading: one thread calls <see cref="Apply"/> and <see cref="BatchApplied"/>; any thread may read <see cref="Current"/>. Errors:
/// <see cref="Apply"/> accepts any bytes. Those that are no command change nothing and have the result
/// <see cref="KvError.UndecodableCommand"/> on every member; otherwise one such entry would stop all members, at every start.
/// </remarks>
public sealed class KvStore : IStateMachine<KvResult>
{
    private MvccWriter _writer = new();
    private LogIndex _applied;

    // Written by the applying thread, read by all threads: the volatile field makes a snapshot complete before it becomes visible.
    private volatile KvSnapshot _current;

    /// <summary>Creates an empty store, at revision 1.</summary>
    public KvStore() => _current = Freeze();

    /// <summary>The state after the last completed batch.</summary>
    public KvSnapshot Current => _current;

    /// <summary>
    /// The number of versions that a compaction sweeps at once. 512 take well under a millisecond. The simulator and some tests lower it,
    /// so that their small stores too leave work for later commands.
    /// </summary>
    internal int VersionsSweptPerCompaction { get; init; } = 512;

    /// <summary>
    /// The number of versions swept after each other command while a compaction is in progress. A put adds one version and eight are swept,
    /// so a compaction always finishes.
    /// </summary>
    internal int VersionsSweptPerCommand { get; init; } = 8;

    /// <summary>The state after the last command, also within a batch, for checkers. Valid until the next command.</summary>
    internal MvccView View => _writer.View;

    /// <summary>The value that <see cref="KvSnapshot.SizeBytes"/> of the next snapshot would have.</summary>
    internal long SizeBytes => _writer.SizeBytes;

    /// <summary>The last version that a compaction has swept, after the last command, also within a batch.</summary>
    internal Revision SweptUpTo => _writer.SweptUpTo;

    /// <summary>The lease clock after the last command, also within a batch.</summary>
    internal LeaseClock LeaseClock => _writer.Leases.View.Clock;

    /// <inheritdoc/>
    public KvResult Apply(in CommittedCommand command)
    {
        var result = KvCommandCodec.TryDecode(command.Command, out var request)
            ? Execute(request, command.Id.Index)
            : Failed(KvError.UndecodableCommand);
        _writer.EndTransaction();
        _writer.Sweep(request is CompactRequest ? VersionsSweptPerCompaction : VersionsSweptPerCommand);
        _applied = command.Id.Index;
        return result;
    }

    /// <inheritdoc/>
    public void BatchApplied(LogIndex last)
    {
        // Entries that are not commands advance the applied index too.
        _applied = LogIndex.Max(_applied, last);
        _current = Freeze();
    }

    /// <inheritdoc/>
    /// <remarks>
    /// The hash covers each version ever written and each change of a lease, so a difference stays, also when the key is written again.
    /// It does not depend on how far a compaction has swept. O(1): each write adds to it.
    /// </remarks>
    public ulong? StateHash => _writer.StateHash;

    /// <inheritdoc/>
    public IStateMachineSnapshot CaptureSnapshot() =>
        new KvStateMachineSnapshot(new StoreState(_writer.Freeze(), _writer.SweptUpTo, _writer.Sums, _applied));

    /// <inheritdoc/>
    /// <remarks>
    /// Shape: the format is in docs/formats/kv-snapshot.md. Readers of <see cref="Current"/> see the new state when the method returns, and
    /// the old one if it throws.
    /// </remarks>
    /// <exception cref="KvSnapshotFormatException">The bytes are no complete snapshot that this build reads.</exception>
    public void RestoreSnapshot(EntryId last, Stream source)
    {
        var (writer, applied) = SnapshotDecoder.Read(source);
        if (applied > last.Index)
            throw new KvSnapshotFormatException($"the snapshot contains the entries up to {applied}, but it is restored at {last.Index}");
        (_writer, _applied) = (writer, applied);
        _current = Freeze();
    }

    /// <summary>The value that <see cref="KvSnapshot.Hash"/> of the next snapshot would return.</summary>
    internal uint Hash() => new KvSnapshot(_writer.View, _writer.IsSwept, _applied, _writer.SizeBytes).Hash();

    private KvResult Execute(KvRequest request, LogIndex at)
    {
        if (RequestValidator.ValidateAtApply(request) is { } invalid)
            return KvResult.Failed(invalid, _writer.Revision);

        var executor = new OperationExecutor(default, _writer);
        switch (request)
        {
            case PutRequest put:
                return Preconditions.Check(put, _writer.View) is { } putError ? Failed(putError) : Ok(executor.Put(put));
            case DeleteRangeRequest delete:
                return Ok(executor.DeleteRange(delete));
            case TxnRequest txn:
                var resolved = ResolvedTxn.Resolve(txn, _writer.View);
                return Preconditions.Check(resolved, _writer.View) is { } txnError
                    ? Failed(txnError)
                    : Ok(executor.Txn(resolved, isOutermost: true));
            case CompactRequest compact:
                return _writer.Compact(compact.Revision) is { } compactError
                    ? Failed(compactError)
                    : Ok(new CompactResponse(_writer.Revision));
            case LeaseRequest lease:
                return new LeaseExecutor(_writer, at).Execute(lease, out var response) is { } leaseError
                    ? Failed(leaseError)
                    : Ok(response);
            case LeaseRenewManyRequest renewals:
                return Ok(new LeaseExecutor(_writer, at).RenewMany(renewals));
            case LeaseClockAdvanceRequest advance:
                return Ok(new LeaseExecutor(_writer, at).AdvanceClock(advance));
            default:
                throw new InvalidOperationException($"{request.GetType().Name} was decoded and is not a command");
        }
    }

    private KvResult Ok(KvResponse response) => KvResult.Ok(response, _writer.View.Revision);

    private KvResult Failed(KvError error) => KvResult.Failed(error, _writer.Revision);

    private KvSnapshot Freeze() => new(_writer.Freeze(), _writer.IsSwept, _applied, _writer.SizeBytes);
}
