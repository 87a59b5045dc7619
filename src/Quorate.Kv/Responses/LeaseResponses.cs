namespace Quorate.Kv;

/// <summary>The lease was granted.</summary>
/// <param name="Revision">The newest revision.</param>
/// <param name="Lease">The lease.</param>
public sealed record LeaseGrantResponse(long Revision, Lease Lease) : KvResponse(Revision);

/// <summary>The lease begins its time anew.</summary>
/// <param name="Revision">The newest revision.</param>
/// <param name="Lease">The lease.</param>
public sealed record LeaseRenewResponse(long Revision, Lease Lease) : KvResponse(Revision);

/// <summary>The lease is gone, and its keys with it.</summary>
/// <param name="Revision">The newest revision: the one that deleted the keys, if there were any.</param>
/// <param name="Id">The lease that was.</param>
public sealed record LeaseRevokeResponse(long Revision, long Id) : KvResponse(Revision);

/// <summary>The lease is gone if nobody had renewed it.</summary>
/// <param name="Revision">The newest revision.</param>
/// <param name="Id">The lease it was about.</param>
/// <param name="Expired">Whether this ended it; false when it had been renewed, or had ended before.</param>
public sealed record LeaseExpireResponse(long Revision, long Id, bool Expired) : KvResponse(Revision);
