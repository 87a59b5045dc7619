namespace Quorate.Node.Threading;

/// <summary>Completes tasks on the thread pool, a batch with a few work items instead of one for each task.</summary>
/// <remarks>
/// The continuation of a task runs inline where the task is completed, one after the other. That is cheap while each continuation soon
/// awaits again. A continuation that blocks, or that waits for the outcome of another caller, must not delay the others. Therefore a
/// further work item is queued before a task is completed, whenever more completions are queued, or proposals wait for the last completion
/// (<see cref="IPendingCompletionsObserver.IsAwaited"/>); it takes over if this one blocks. Threading: any thread may dispatch.
/// </remarks>
internal sealed class ThreadPoolCompletionDispatcher<TOutcome>(IPendingCompletionsObserver observer)
    : ICompletionDispatcher<TOutcome>, IThreadPoolWorkItem
{
    private readonly Lock _lock = new();
    private readonly Queue<Completion<TOutcome>> _queue = new();

    /// <summary>A work item is queued in the thread pool and has not started.</summary>
    private bool _isScheduled;

    public void Dispatch(ReadOnlySpan<Completion<TOutcome>> completions)
    {
        lock (_lock)
        {
            foreach (ref readonly var completion in completions)
                _queue.Enqueue(completion);
            observer.SetPendingCompletions(_queue.Count);
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
                observer.SetPendingCompletions(0);
                schedule = false;
                return false;
            }

            // If proposals wait for the last completion, it counts as pending until its continuation returns; should that block, the
            // further work item finds the queue empty and ends the hold.
            var needsSuccessor = _queue.Count > 0 || observer.IsAwaited;
            schedule = !_isScheduled && needsSuccessor;
            _isScheduled |= schedule;
            observer.SetPendingCompletions(needsSuccessor ? Math.Max(1, _queue.Count) : 0);
            return true;
        }
    }
}

/// <summary>Creates dispatchers that complete tasks on the thread pool.</summary>
internal sealed class ThreadPoolCompletionDispatcherFactory : ICompletionDispatcherFactory
{
    public static ThreadPoolCompletionDispatcherFactory Instance { get; } = new();

    public ICompletionDispatcher<TOutcome> Create<TOutcome>(IPendingCompletionsObserver observer) =>
        new ThreadPoolCompletionDispatcher<TOutcome>(observer);
}
