namespace Quorate.Server.Replication;

/// <summary>
/// Shares one timer between the deadlines of many requests: requests that start in the same half second have the same deadline.
/// </summary>
/// <remarks>
/// A timer for each request would cost more than the server's own work for the request. A deadline is late by at most half a second, and
/// early only when <paramref name="stopped"/> comes, which ends all of them. Threading: any thread.
/// </remarks>
internal sealed class RequestDeadlineCoalescer(TimeSpan timeout, TimeProvider time, CancellationToken stopped)
{
    private static readonly TimeSpan WindowLength = TimeSpan.FromMilliseconds(500);

    private readonly Lock _lock = new();
    private CoalescingWindow? _current;

    /// <summary>Returns a token that is cancelled when the timeout of a request that starts now has passed.</summary>
    public CancellationToken GetToken()
    {
        var now = time.GetTimestamp();
        var window = Volatile.Read(ref _current);
        return window is not null && now < window.EndsAt ? window.Token : OpenWindow(now);
    }

    private CancellationToken OpenWindow(long now)
    {
        lock (_lock)
        {
            if (_current is { } window && now < window.EndsAt)
                return window.Token;

            var endsAt = now + (long)(WindowLength.TotalSeconds * time.TimestampFrequency);
#pragma warning disable CA2000 // The source releases its timer when it fires; before that, requests may still hold its token.
            var source = new CancellationTokenSource(timeout + WindowLength, time);
#pragma warning restore CA2000
            var registration = stopped.UnsafeRegister(static source => ((CancellationTokenSource)source!).Cancel(), source);
            source.Token.UnsafeRegister(static registration => ((CancellationTokenRegistration)registration!).Dispose(), registration);
            Volatile.Write(ref _current, new CoalescingWindow(endsAt, source.Token));
            return source.Token;
        }
    }

    private sealed record CoalescingWindow(long EndsAt, CancellationToken Token);
}
