namespace Quorate.Verification;

/// <summary>Something was promised and is not so.</summary>
internal sealed class ViolationException(string promise, string what) : Exception($"{promise}: {what}")
{
    public string Promise { get; } = promise;
}
