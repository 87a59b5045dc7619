namespace Quorate.Kv;

/// <summary>The result of a request: a response, or the error for which it was rejected.</summary>
/// <param name="Response">The response; null when rejected.</param>
/// <param name="Error">The error; null on success.</param>
/// <param name="Revision">The newest revision of the store at that time.</param>
public readonly record struct KvResult(KvResponse? Response, KvError? Error, long Revision)
{
    /// <summary>Whether the request succeeded.</summary>
    public bool IsOk => Error is null;

    internal static KvResult Ok(KvResponse response, long revision) => new(response, null, revision);

    internal static KvResult Failed(KvError error, long revision) => new(null, error, revision);
}
