using Quorate.Kv.Leases;
using Quorate.Kv.Mvcc;
using Quorate.Kv.Watch;
using Quorate.Raft;

namespace Quorate.Kv;

/// <summary>An immutable snapshot of the whole store after a batch of commands.</summary>
/// <remarks>
/// Threading: any number of threads may read it at once, without locks, for any length of time; later changes to the store do not affect
/// it. A reference to a snapshot keeps alive the pages that have changed since.
/// </remarks>
public sealed class KvSnapshot
{
    private readonly MvccView _view;
    private readonly bool _isSwept;

    internal KvSnapshot(MvccView view, bool isSwept, LogIndex appliedIndex, long sizeBytes)
    {
        _view = view;
        _isSwept = isSwept;
        AppliedIndex = appliedIndex;
        SizeBytes = sizeBytes;
    }

    /// <summary>The newest revision. An empty store is at 1.</summary>
    public long Revision => _view.Revision;

    /// <summary>The oldest revision that can be read; -1 before the first compaction.</summary>
    public long CompactRevision => _view.CompactRevision;

    /// <summary>The last log entry whose effect the snapshot contains.</summary>
    public LogIndex AppliedIndex { get; }

    /// <summary>The number of existing keys.</summary>
    public long KeyCount => _view.KeyCount;

    /// <summary>
    /// Bytes of the keys and values of all versions kept, plus a fixed amount for each version: the size to compare with a quota. A
    /// compaction reduces it gradually, during the commands that follow.
    /// </summary>
    public long SizeBytes { get; }

    /// <summary>Reads the keys of an interval.</summary>
    /// <param name="request">The keys to read.</param>
    /// <param name="cancellation">Ends a read of many keys; null if nothing does.</param>
    /// <remarks>Errors: those of <see cref="RangeRequest"/>.</remarks>
    /// <exception cref="OperationCanceledException"><paramref name="cancellation"/> ended the read.</exception>
    public KvResult Range(RangeRequest request, IReadCancellation? cancellation = null)
    {
        if (RequestValidator.ValidateAtApply(request) is { } invalid)
            return KvResult.Failed(invalid, Revision);
        return RangeReader.Read(_view, request, cancellation, out var response) is { } error
            ? KvResult.Failed(error, Revision)
            : KvResult.Ok(response, Revision);
    }

    /// <summary>Returns the newest version of one key, or null.</summary>
    public KeyValue? Get(ReadOnlySpan<byte> key) => _view.Get(key);

    /// <summary>Executes a read-only transaction.</summary>
    /// <param name="request">The transaction.</param>
    /// <param name="cancellation">Ends a transaction that reads many keys; null if nothing does.</param>
    /// <remarks>
    /// Errors: those of <see cref="TxnRequest"/>. Throws <see cref="ArgumentException"/> if <see cref="TxnRequest.MayWrite"/>: such a
    /// transaction must be proposed, even if the branch it would take writes nothing.
    /// </remarks>
    /// <exception cref="OperationCanceledException"><paramref name="cancellation"/> ended the transaction.</exception>
    public KvResult Txn(TxnRequest request, IReadCancellation? cancellation = null)
    {
        if (request.MayWrite)
            throw new ArgumentException("a transaction that may write must be proposed", nameof(request));
        if (RequestValidator.ValidateAtApply(request) is { } invalid)
            return KvResult.Failed(invalid, Revision);

        var resolved = ResolvedTxn.Resolve(request, _view, cancellation);
        return Preconditions.Check(resolved, _view) is { } error
            ? KvResult.Failed(error, Revision)
            : KvResult.Ok(new OperationExecutor(_view, writer: null, cancellation).Txn(resolved, isOutermost: true), Revision);
    }

    /// <summary>The lease clock.</summary>
    public LeaseClock LeaseClock => _view.Leases.Clock;

    /// <summary>The number of leases.</summary>
    public long LeaseCount => _view.Leases.Count;

    /// <summary>Returns a lease, or null.</summary>
    public Lease? GetLease(long id) => _view.Leases.TryGet(id, out var lease) ? lease : null;

    /// <summary>Returns all leases, always in the same order.</summary>
    public IReadOnlyList<Lease> Leases() => _view.Leases.All();

    /// <summary>Returns the keys attached to a lease, ascending; none when the lease does not exist.</summary>
    public IReadOnlyList<ReadOnlyMemory<byte>> LeaseKeys(long id) => _view.Leases.KeysOf(id);

    /// <summary>Returns one batch of changes from a revision on.</summary>
    /// <param name="request">Which changes to return, and the limits of the batch.</param>
    /// <param name="from">The first revision of the batch; it may be in the future.</param>
    /// <param name="batch">The events, each revision complete, and the revision at which to continue.</param>
    /// <remarks>
    /// The compact revision itself can be read, including its deletions. Errors: <see cref="KvError.Compacted"/> for any earlier revision.
    /// Source: etcd v3 API, Watch.
    /// </remarks>
    public KvError? Events(WatchEventRequest request, long from, out WatchEventBatch batch) =>
        WatchEventReader.Read(_view, request, from, out batch);

    /// <summary>Returns a hash over the whole store: all readable versions, the lease clock, the leases and their attachments.</summary>
    /// <remarks>
    /// Members must have the same hash at the same <see cref="AppliedIndex"/>. <see cref="HashKv"/> excludes leases, because it compares
    /// members at a revision, and leases are granted, renewed and revoked without one.
    /// </remarks>
    public uint Hash() => LeaseHash.Append(RevisionHash.Compute(_view, _isSwept, Revision), _view.Leases);

    /// <summary>Returns a hash over all versions that can be read between the compact revision and <paramref name="revision"/>.</summary>
    /// <param name="revision">The last revision; 0 or less is the newest.</param>
    /// <param name="hash">The hash, and the revisions it covers.</param>
    /// <remarks>
    /// Members with the same <see cref="KvHash.CompactRevision"/> and <see cref="KvHash.HashRevision"/> must have the same hash. Takes time
    /// proportional to the size of the store. Errors: <see cref="KvError.Compacted"/>, <see cref="KvError.FutureRevision"/>.
    /// </remarks>
    public KvError? HashKv(long revision, out KvHash hash)
    {
        hash = default;
        if (_view.CheckRevision(revision) is { } error)
            return error;
        var upTo = revision <= 0 ? Revision : revision;
        hash = new KvHash(RevisionHash.Compute(_view, _isSwept, upTo), CompactRevision, upTo);
        return null;
    }

    /// <summary>The pages, for checkers of their contents.</summary>
    internal MvccView View => _view;
}

/// <summary>The hash of a store between two revisions.</summary>
public readonly record struct KvHash(uint Hash, long CompactRevision, long HashRevision);
