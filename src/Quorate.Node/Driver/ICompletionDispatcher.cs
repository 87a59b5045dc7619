namespace Quorate.Node.Driver;

/// <summary>Brings outcomes to those who wait for them: production to the thread pool, the simulator at once.</summary>
internal interface ICompletionDispatcher<TOutcome>
{
    /// <summary>Tells each caller its outcome, soon. Never waits, and runs nothing of a caller's.</summary>
    void Dispatch(ReadOnlySpan<Completion<TOutcome>> completions);
}

/// <summary>A caller and what it is to be told.</summary>
internal readonly record struct Completion<TOutcome>(TaskCompletionSource<TOutcome> Source, TOutcome Outcome);

/// <summary>Answers in the thread pool: a batch of them is a few pieces of work there, not one for each.</summary>
/// <remarks>
/// What waits for an outcome goes on right where it is told, one caller after the other, which is cheap as long as each goes to sleep again soon. One that does not,
/// or that waits for another's outcome, must hold up nobody: so before a caller is told, there is one more piece of work in the pool's hands whenever
/// more callers wait, or proposals do for the last to be told (<see cref="GroupCommitHold"/>), and it takes over from here. Threading: any thread gives.
/// </remarks>
internal sealed class ThreadPoolCompletionDispatcher<TOutcome>(GroupCommitHold groupCommitHold) : ICompletionDispatcher<TOutcome>, IThreadPoolWorkItem
{
    private readonly Lock _lock = new();
    private readonly Queue<Completion<TOutcome>> _queue = new();

    /// <summary>A piece of work has been handed to the pool and has not begun.</summary>
    private bool _isScheduled;

    public void Dispatch(ReadOnlySpan<Completion<TOutcome>> completions)
    {
        lock (_lock)
        {
            foreach (ref readonly var completion in completions)
                _queue.Enqueue(completion);
            groupCommitHold.SetPendingCompletions(_queue.Count);
            if (_isScheduled || _queue.Count == 0)
                return;
            _isScheduled = true;
        }

        ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
    }

    void IThreadPoolWorkItem.Execute()
    {
        var isFirst = true;
        while (TryTake(isFirst, out var completion, out var schedule))
        {
            isFirst = false;
            if (schedule)
                ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
            completion.Source.TrySetResult(completion.Outcome);
        }
    }

    private bool TryTake(bool isFirst, out Completion<TOutcome> completion, out bool schedule)
    {
        lock (_lock)
        {
            if (isFirst)
                _isScheduled = false;
            if (!_queue.TryDequeue(out completion))
            {
                groupCommitHold.SetPendingCompletions(0);
                schedule = false;
                return false;
            }

            // The last one counts as untold until he has gone on, if proposals wait for that; should he block, the further piece of work finds nobody left.
            var needsSuccessor = _queue.Count > 0 || groupCommitHold.IsAwaited;
            schedule = !_isScheduled && needsSuccessor;
            _isScheduled |= schedule;
            groupCommitHold.SetPendingCompletions(needsSuccessor ? Math.Max(1, _queue.Count) : 0);
            return true;
        }
    }
}
