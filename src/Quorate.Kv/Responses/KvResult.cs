namespace Quorate.Kv;

/// <summary>An answer, or the reason why there is none.</summary>
/// <param name="Response">The answer; null when refused.</param>
/// <param name="Error">Why it was refused; null when answered.</param>
/// <param name="Revision">The newest revision of the store when it answered.</param>
public readonly record struct KvResult(KvResponse? Response, KvError? Error, long Revision)
{
    /// <summary>Whether there is an answer.</summary>
    public bool IsOk => Error is null;

    internal static KvResult Ok(KvResponse response, long revision) => new(response, null, revision);

    internal static KvResult Failed(KvError error, long revision) => new(null, error, revision);
}
