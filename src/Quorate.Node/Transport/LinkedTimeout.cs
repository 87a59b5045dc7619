namespace Quorate.Node.Transport;

/// <summary>A cancellation token that is cancelled after a timeout, or when another token is cancelled.</summary>
internal sealed class LinkedTimeout : IDisposable
{
    private readonly CancellationTokenSource _timer;
    private readonly CancellationTokenSource _either;

    public LinkedTimeout(TimeProvider time, TimeSpan timeout, CancellationToken other)
    {
        _timer = new CancellationTokenSource(timeout, time);
        _either = CancellationTokenSource.CreateLinkedTokenSource(_timer.Token, other);
    }

    public CancellationToken Token => _either.Token;

    public void Dispose()
    {
        _either.Dispose();
        _timer.Dispose();
    }
}
