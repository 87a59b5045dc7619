namespace Quorate.Server.Hosting;

/// <summary>Counts the requests of one HTTP/2 connection that the client reset at once.</summary>
/// <remarks>
/// A client that opens and resets streams in a loop is never over the limit of concurrent streams, and yet costs the server a request each
/// (CVE-2023-44487). Kestrel's own defence counts requests that are still running after their reset; ours end at once, so it does not
/// see them. What counts is decided by <see cref="StreamResetFilter"/>.
/// Threading: any thread.
/// </remarks>
internal sealed class StreamResetCounter(TimeProvider time)
{
    /// <summary>The resets within <see cref="Window"/> after which the connection is closed.</summary>
    public const int ResetsMax = 4096;

    private static readonly TimeSpan Window = TimeSpan.FromSeconds(10);

    private readonly Lock _lock = new();
    private long _windowStart = time.GetTimestamp();
    private int _count;

    /// <summary>Counts a reset; returns whether the connection must be closed.</summary>
    public bool Add()
    {
        lock (_lock)
        {
            if (time.GetElapsedTime(_windowStart) >= Window)
            {
                _windowStart = time.GetTimestamp();
                _count = 0;
            }

            return ++_count >= ResetsMax;
        }
    }
}
