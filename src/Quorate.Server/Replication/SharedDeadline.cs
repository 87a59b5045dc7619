namespace Quorate.Server.Replication;

/// <summary>Deadlines for many requests at the price of one timer: those that begin in the same half second end together.</summary>
/// <remarks>
/// A timer for each request costs more than the request's own work in the server. A request's deadline is late by half a second at most,
/// and early only when <paramref name="end"/> comes, which ends all of them. Threading: any thread.
/// </remarks>
internal sealed class SharedDeadline(TimeSpan timeout, TimeProvider time, CancellationToken end)
{
    private static readonly TimeSpan WindowLength = TimeSpan.FromMilliseconds(500);

    private readonly Lock _opening = new();
    private Window? _current;

    /// <summary>Cancelled when a request that begins now has had its time.</summary>
    public CancellationToken Next()
    {
        var now = time.GetTimestamp();
        var window = Volatile.Read(ref _current);
        return window is not null && now < window.EndsAt ? window.Token : Open(now);
    }

    private CancellationToken Open(long now)
    {
        lock (_opening)
        {
            if (_current is { } window && now < window.EndsAt)
                return window.Token;

            var endsAt = now + (long)(WindowLength.TotalSeconds * time.TimestampFrequency);
#pragma warning disable CA2000 // The timer within lets go of itself when it fires; nobody can know who still holds the token before that.
            var source = new CancellationTokenSource(timeout + WindowLength, time);
#pragma warning restore CA2000
            var early = end.UnsafeRegister(static source => ((CancellationTokenSource)source!).Cancel(), source);
            source.Token.UnsafeRegister(static early => ((CancellationTokenRegistration)early!).Dispose(), early);
            Volatile.Write(ref _current, new Window(endsAt, source.Token));
            return source.Token;
        }
    }

    private sealed record Window(long EndsAt, CancellationToken Token);
}
