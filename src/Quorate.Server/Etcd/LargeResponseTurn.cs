namespace Quorate.Server.Etcd;

/// <summary>The turns that one large response takes from a <see cref="LargeResponseLimiter"/>, one after the other.</summary>
/// <remarks>Threading: one caller at a time.</remarks>
internal sealed class LargeResponseTurn(SemaphoreSlim turns, CancellationToken cancellation) : IDisposable
{
    private bool _isHeld;

    /// <summary>Waits for a turn. Every other response that waits already comes first.</summary>
    /// <exception cref="OperationCanceledException">
    /// The call was cancelled, before or during the wait; the response has no turn.
    /// </exception>
    public async ValueTask EnterAsync()
    {
        await turns.WaitAsync(cancellation).ConfigureAwait(false);
        _isHeld = true;
    }

    /// <summary>Ends the turn, if the response has one.</summary>
    public void Exit()
    {
        if (!_isHeld)
            return;
        _isHeld = false;
        turns.Release();
    }

    /// <inheritdoc cref="Exit"/>
    public void Dispose() => Exit();
}
