namespace Quorate.Server.Replication;

/// <summary>Deadlines for many requests at the price of one timer: those that begin in the same half second end together.</summary>
/// <remarks>
/// A timer for each request costs more than the request's own work in the server. A request's deadline is late by half a second at most,
/// and early only when <paramref name="stopped"/> comes, which ends all of them. Threading: any thread.
/// </remarks>
internal sealed class SharedDeadline(TimeSpan timeout, TimeProvider time, CancellationToken stopped)
{
    private static readonly TimeSpan WindowLength = TimeSpan.FromMilliseconds(500);

    private readonly Lock _lock = new();
    private Window? _current;

    /// <summary>Cancelled when a request that begins now has had its time.</summary>
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
#pragma warning disable CA2000 // The timer within lets go of itself when it fires; nobody can know who still holds the token before that.
            var source = new CancellationTokenSource(timeout + WindowLength, time);
#pragma warning restore CA2000
            var registration = stopped.UnsafeRegister(static source => ((CancellationTokenSource)source!).Cancel(), source);
            source.Token.UnsafeRegister(static registration => ((CancellationTokenRegistration)registration!).Dispose(), registration);
            Volatile.Write(ref _current, new Window(endsAt, source.Token));
            return source.Token;
        }
    }

    private sealed record Window(long EndsAt, CancellationToken Token);
}
