namespace Quorate.Kv;

/// <summary>A response of the store.</summary>
/// <param name="Revision">
/// The revision in the response's header. For a request on its own, the newest revision. Inside a transaction, a read before the first
/// write has the previous revision, everything after it the new one, and a nested transaction has 0.
/// </param>
public abstract record KvResponse(long Revision);

/// <summary>The response to a <see cref="RangeRequest"/>.</summary>
/// <param name="Revision">The newest revision, also when an older one was read.</param>
/// <param name="Kvs">The keys; none when only the count was requested.</param>
/// <param name="More">Whether the limit excluded keys.</param>
/// <param name="Count">The number of keys in the interval, regardless of limit and filters.</param>
public sealed record RangeResponse(long Revision, IReadOnlyList<KeyValue> Kvs, bool More, long Count) : KvResponse(Revision);

/// <summary>The response to a <see cref="PutRequest"/>.</summary>
/// <param name="Revision">The revision of the put.</param>
/// <param name="PrevKv">The previous version, if requested and if there was one.</param>
public sealed record PutResponse(long Revision, KeyValue? PrevKv) : KvResponse(Revision);

/// <summary>The response to a <see cref="DeleteRangeRequest"/>.</summary>
/// <param name="Revision">The newest revision.</param>
/// <param name="Deleted">The number of deleted keys.</param>
/// <param name="PrevKvs">The deleted keys, if requested.</param>
public sealed record DeleteRangeResponse(long Revision, long Deleted, IReadOnlyList<KeyValue> PrevKvs) : KvResponse(Revision);

/// <summary>The response to a <see cref="TxnRequest"/>.</summary>
/// <param name="Revision">The revision that the transaction created, or the newest if it changed nothing; 0 when nested.</param>
/// <param name="Succeeded">Whether the comparisons held.</param>
/// <param name="Responses">One response for each operation of the branch taken, in order.</param>
public sealed record TxnResponse(long Revision, bool Succeeded, IReadOnlyList<KvResponse> Responses) : KvResponse(Revision);

/// <summary>The response to a <see cref="CompactRequest"/>.</summary>
/// <param name="Revision">The newest revision.</param>
public sealed record CompactResponse(long Revision) : KvResponse(Revision);
