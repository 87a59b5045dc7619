namespace Quorate.Kv;

/// <summary>What the store answers.</summary>
/// <param name="Revision">
/// What the header of the answer says. On its own, a request answers the newest revision. Inside a transaction a read before the first
/// write says the revision before, everything after it the new one, and a nested transaction says 0.
/// </param>
public abstract record KvResponse(long Revision);

/// <summary>The keys that were asked for.</summary>
/// <param name="Revision">The newest revision, also when an older one was read.</param>
/// <param name="Kvs">The keys, none when only the count was asked for.</param>
/// <param name="More">Whether the limit left some out.</param>
/// <param name="Count">How many keys the interval holds, whatever the limit and the filters left out.</param>
public sealed record RangeResponse(long Revision, IReadOnlyList<KeyValue> Kvs, bool More, long Count) : KvResponse(Revision);

/// <summary>The key was put.</summary>
/// <param name="Revision">The revision it was put at.</param>
/// <param name="PrevKv">What it was before, when asked for and when there was something.</param>
public sealed record PutResponse(long Revision, KeyValue? PrevKv) : KvResponse(Revision);

/// <summary>The keys were removed.</summary>
/// <param name="Revision">The newest revision.</param>
/// <param name="Deleted">How many were removed.</param>
/// <param name="PrevKvs">What they were, when asked for.</param>
public sealed record DeleteRangeResponse(long Revision, long Deleted, IReadOnlyList<KeyValue> PrevKvs) : KvResponse(Revision);

/// <summary>The transaction was carried out.</summary>
/// <param name="Revision">The revision it made, or the newest if it changed nothing; 0 when nested.</param>
/// <param name="Succeeded">Whether the comparisons held.</param>
/// <param name="Responses">One answer for each operation of the branch taken, in its order.</param>
public sealed record TxnResponse(long Revision, bool Succeeded, IReadOnlyList<KvResponse> Responses) : KvResponse(Revision);

/// <summary>The store was compacted.</summary>
/// <param name="Revision">The newest revision.</param>
public sealed record CompactResponse(long Revision) : KvResponse(Revision);
