using System.Threading.Tasks.Sources;

namespace Quorate.Node.Threading;

/// <summary>
/// An asynchronous auto-reset event: any thread sets it, one task waits for it. A set without a waiter is kept for the next wait.
/// </summary>
/// <remarks>It allocates nothing per use. The waiter continues on the thread pool, never inside <see cref="Set"/>.</remarks>
internal sealed class AsyncAutoResetEvent : IValueTaskSource
{
    private const int Unsignaled = 0;
    private const int Signaled = 1;
    private const int Waiting = 2;

    private ManualResetValueTaskSourceCore<bool> _source = new() { RunContinuationsAsynchronously = true };
    private int _state;

    public void Set()
    {
        while (true)
        {
            switch (Volatile.Read(ref _state))
            {
                case Signaled:
                    return;

                case Unsignaled when Interlocked.CompareExchange(ref _state, Signaled, Unsignaled) == Unsignaled:
                    return;

                case Waiting when Interlocked.CompareExchange(ref _state, Unsignaled, Waiting) == Waiting:
                    _source.SetResult(true);
                    return;
            }
        }
    }

    /// <summary>Waits until the event is set, and resets it.</summary>
    public ValueTask WaitAsync()
    {
        if (Interlocked.CompareExchange(ref _state, Unsignaled, Signaled) == Signaled)
            return ValueTask.CompletedTask;

        _source.Reset();
        if (Interlocked.CompareExchange(ref _state, Waiting, Unsignaled) == Unsignaled)
            return new ValueTask(this, _source.Version);
        Volatile.Write(ref _state, Unsignaled); // set in the meantime; only this waiter resets it
        return ValueTask.CompletedTask;
    }

    void IValueTaskSource.GetResult(short token) => _source.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => _source.GetStatus(token);

    void IValueTaskSource.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _source.OnCompleted(continuation, state, token, flags);
}
