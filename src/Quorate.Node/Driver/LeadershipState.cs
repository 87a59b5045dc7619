using Quorate.Raft;

namespace Quorate.Node.Driver;

/// <summary>
/// The role, term and leader of the node: written by the driver, read by any thread. A reader can wait for the next change.
/// </summary>
internal sealed class LeadershipState
{
    private readonly Lock _lock = new();
    private TaskCompletionSource<bool> _changed = CreateSource();
    private (Role Role, Term Term, NodeId Leader) _current;
    private bool _isClosed;

    /// <summary>
    /// Returns the current state, and a task that completes at its next change: with true after a change, with false when the node has
    /// stopped and no change will follow.
    /// </summary>
    public (Role Role, Term Term, NodeId Leader) Read(out Task<bool> changed)
    {
        lock (_lock)
        {
            changed = _changed.Task;
            return _current;
        }
    }

    /// <summary>Waits for the task of <see cref="Read"/>.</summary>
    /// <remarks>As <see cref="Task{T}.WaitAsync(CancellationToken)"/>, of combinators that the concurrency tests can schedule.</remarks>
    /// <exception cref="OperationCanceledException">The token was cancelled first.</exception>
    public static async Task<bool> WaitAsync(Task<bool> changed, CancellationToken cancellationToken)
    {
        if (changed.IsCompleted || !cancellationToken.CanBeCanceled)
            return await changed.ConfigureAwait(false);
        var cancelled = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
        var registration = cancellationToken.UnsafeRegister(
            static (state, token) => ((TaskCompletionSource<bool>)state!).TrySetCanceled(token), cancelled);
        try
        {
            var first = await Task.WhenAny(changed, cancelled.Task).ConfigureAwait(false);
            return await first.ConfigureAwait(false);
        }
        finally
        {
            registration.Unregister();
        }
    }

    /// <summary>Publishes the state of the core and notifies waiting readers if it has changed.</summary>
    public void Write(Role role, Term term, NodeId leader)
    {
        TaskCompletionSource<bool> changed;
        lock (_lock)
        {
            if (_isClosed || _current == (role, term, leader))
                return;
            _current = (role, term, leader);
            changed = _changed;
            _changed = CreateSource();
        }

        changed.SetResult(true);
    }

    /// <summary>Publishes that the node has stopped: it knows no leader, and no change will follow.</summary>
    public void Close(Term term)
    {
        Write(Role.Follower, term, NodeId.None);
        lock (_lock)
        {
            if (_isClosed)
                return;
            _isClosed = true;
        }

        _changed.SetResult(false);
    }

    private static TaskCompletionSource<bool> CreateSource() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
