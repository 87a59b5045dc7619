using Quorate.Kv.Leases;
using Quorate.Kv.Mvcc;
using Quorate.Kv.Watch;
using Quorate.Raft;

namespace Quorate.Kv;

/// <summary>The whole store as it was when a batch of commands had been applied. It never changes.</summary>
/// <remarks>
/// Threading: may be read by any number of threads at once, without locks, for as long as one likes; what the store does meanwhile costs it
/// nothing. Holding on to one keeps the pages alive that have changed since.
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

    /// <summary>The oldest revision that can be read; -1 as long as nothing was compacted.</summary>
    public long CompactRevision => _view.CompactRevision;

    /// <summary>The last log entry whose effect is in it.</summary>
    public LogIndex AppliedIndex { get; }

    /// <summary>How many keys exist.</summary>
    public long KeyCount => _view.KeyCount;

    /// <summary>
    /// Bytes of keys and values of all versions kept, and a fixed amount for each version: what a quota is measured against. A compaction
    /// brings it down little by little, with the commands that follow.
    /// </summary>
    public long SizeBytes { get; }

    /// <summary>Reads an interval.</summary>
    /// <remarks>Refusals: those of <see cref="RangeRequest"/>.</remarks>
    public KvResult Range(RangeRequest request)
    {
        if (RequestValidator.ValidateAtApply(request) is { } invalid)
            return KvResult.Failed(invalid, Revision);
        return RangeReader.Read(_view, request, out var response) is { } error
            ? KvResult.Failed(error, Revision)
            : KvResult.Ok(response, Revision);
    }

    /// <summary>The newest version of one key, or null.</summary>
    public KeyValue? Get(ReadOnlySpan<byte> key) => _view.Get(key);

    /// <summary>Carries out a transaction that only reads.</summary>
    /// <remarks>
    /// Refusals: those of <see cref="TxnRequest"/>. Errors: <see cref="ArgumentException"/> when <see cref="TxnRequest.MayWrite"/>: that has to
    /// be proposed, even if the branch it would take writes nothing.
    /// </remarks>
    public KvResult Txn(TxnRequest request)
    {
        if (request.MayWrite)
            throw new ArgumentException("a transaction that may write has to be proposed", nameof(request));
        if (RequestValidator.ValidateAtApply(request) is { } invalid)
            return KvResult.Failed(invalid, Revision);

        var resolved = ResolvedTxn.Resolve(request, _view);
        return Preconditions.Check(resolved, _view) is { } error
            ? KvResult.Failed(error, Revision)
            : KvResult.Ok(new OperationExecutor(_view, writer: null).Txn(resolved, isOutermost: true), Revision);
    }

    /// <summary>How many leases there are.</summary>
    public long LeaseCount => _view.Leases.Count;

    /// <summary>A lease, or null.</summary>
    public Lease? GetLease(long id) => _view.Leases.TryGet(id, out var lease) ? lease : null;

    /// <summary>All leases, always in the same order.</summary>
    public IReadOnlyList<Lease> Leases() => _view.Leases.All();

    /// <summary>The keys that go when a lease goes, ascending. None when there is no such lease.</summary>
    public IReadOnlyList<ReadOnlyMemory<byte>> LeaseKeys(long id) => _view.Leases.KeysOf(id);

    /// <summary>What happened from a revision on, as far as one round of reading goes.</summary>
    /// <param name="request">What is wanted, and how much of it at a time.</param>
    /// <param name="from">The first revision to tell of; it may lie ahead.</param>
    /// <param name="batch">The events, each revision whole, and where to go on.</param>
    /// <remarks>
    /// The compact revision itself can be told of, what it deleted too. Refusals: <see cref="KvError.Compacted"/> for anything before it.
    /// Source: etcd v3 API, Watch.
    /// </remarks>
    public KvError? Events(EventRequest request, long from, out EventBatch batch) => EventReader.Read(_view, request, from, out batch);

    /// <summary>A hash over all there is: everything that can be read, and the leases with what is attached to them.</summary>
    /// <remarks>
    /// Members must have the same one at the same <see cref="AppliedIndex"/>. <see cref="HashKv"/> leaves leases out, because it compares
    /// members at a revision, and leases come, are renewed and go without one.
    /// </remarks>
    public uint Hash() => LeaseHash.Append(RevisionHash.Compute(_view, _isSwept, Revision), _view.Leases);

    /// <summary>A hash over everything that can be read between the compact revision and <paramref name="revision"/>.</summary>
    /// <param name="revision">Up to where; 0 or less is the newest.</param>
    /// <param name="hash">The hash, and what it covers.</param>
    /// <remarks>
    /// Members with the same <see cref="KvHash.CompactRevision"/> and <see cref="KvHash.HashRevision"/> must have the same hash.
    /// Takes time in proportion to the store. Refusals: <see cref="KvError.Compacted"/>, <see cref="KvError.FutureRevision"/>.
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

    /// <summary>The pages, for those who check what is in them.</summary>
    internal MvccView View => _view;
}

/// <summary>What a store hashes to, and between which revisions.</summary>
public readonly record struct KvHash(uint Hash, long CompactRevision, long HashRevision);
