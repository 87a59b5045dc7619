using Quorate.Kv.Leases;
using Quorate.Kv.Mvcc;
using Quorate.Raft;

namespace Quorate.Kv;

/// <summary>The replicated key-value store: takes commands in the order of the log, and shows readers the state after each batch.</summary>
/// <remarks>
/// Shape: commands are what <see cref="KvCommand.Encode"/> wrote. Nothing but they decides what the store holds and answers.
/// Threading: <see cref="Apply"/> and <see cref="BatchApplied"/> belong to one thread; <see cref="Current"/> may be taken from any.
/// Errors: <see cref="KvCommandFormatException"/> for a committed command that cannot be read; the node stops then.
/// </remarks>
public sealed class KvStore : IStateMachine<KvResult>
{
    // Versions of the history looked at after each command while a compaction is under way, and at once when it is asked for. Eight
    // is more than the one that a put adds, so a compaction always ends; 512 take well under a millisecond.
    private const int VersionsSweptPerCommand = 8;

    private readonly MvccWriter _writer = new();
    private LogIndex _applied;

    // Written by the applying thread, read by all: the field being volatile is what makes a snapshot whole before it is seen.
    private volatile KvSnapshot _current;

    /// <summary>An empty store, at revision 1.</summary>
    public KvStore() => _current = Freeze();

    /// <summary>The state after the last finished batch.</summary>
    public KvSnapshot Current => _current;

    /// <summary>How much of a compaction is done at once. The simulator's stores are small, and yet go on with it later.</summary>
    internal int VersionsSweptPerCompaction { get; init; } = 512;

    /// <summary>The state after the last command, in the midst of a batch too, for those who check it. Good until the next command.</summary>
    internal MvccView View => _writer.View;

    /// <summary>What <see cref="KvSnapshot.SizeBytes"/> will be.</summary>
    internal long SizeBytes => _writer.SizeBytes;

    /// <inheritdoc/>
    public KvResult Apply(in CommittedCommand command)
    {
        var request = KvCommand.Decode(command.Command);
        var result = Execute(request, command.Id.Index);
        _writer.EndTransaction();
        _writer.Sweep(request is CompactRequest ? VersionsSweptPerCompaction : VersionsSweptPerCommand);
        _applied = command.Id.Index;
        return result;
    }

    /// <inheritdoc/>
    public void BatchApplied(LogIndex last)
    {
        // Entries that are no commands move the log on too.
        _applied = LogIndex.Max(_applied, last);
        _current = Freeze();
    }

    /// <summary>What <see cref="KvSnapshot.Hash"/> will be.</summary>
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
                return Preconditions.Check(resolved, _writer.View) is { } txnError ? Failed(txnError) : Ok(executor.Txn(resolved, isOutermost: true));
            case CompactRequest compact:
                return _writer.Compact(compact.Revision) is { } compactError ? Failed(compactError) : Ok(new CompactResponse(_writer.Revision));
            case LeaseRequest lease:
                return new LeaseExecutor(_writer, at).Execute(lease, out var response) is { } leaseError ? Failed(leaseError) : Ok(response);
            default:
                throw new KvCommandFormatException($"{request.GetType().Name} is not a command");
        }
    }

    private KvResult Ok(KvResponse response) => KvResult.Ok(response, _writer.View.Revision);

    private KvResult Failed(KvError error) => KvResult.Failed(error, _writer.Revision);

    private KvSnapshot Freeze() => new(_writer.Freeze(), _writer.IsSwept, _applied, _writer.SizeBytes);
}
