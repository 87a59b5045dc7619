namespace Quorate.Node.Groups;

/// <summary>Brings outcomes to those who wait for them: production to the thread pool, the simulator at once.</summary>
internal interface IAnswers<TOutcome>
{
    /// <summary>Tells each caller its outcome, soon. Never waits, and runs nothing of a caller's.</summary>
    void Give(ReadOnlySpan<Answered<TOutcome>> answers);
}

/// <summary>A caller and what it is to be told.</summary>
internal readonly record struct Answered<TOutcome>(TaskCompletionSource<TOutcome> Caller, TOutcome Outcome);

/// <summary>Answers in the thread pool: a batch of them is a few pieces of work there, not one for each.</summary>
/// <remarks>
/// What waits for an outcome goes on right where it is told, one caller after the other, which is cheap as long as each goes to sleep again soon. One that does not,
/// or that waits for another's outcome, must hold up nobody: so before a caller is told, there is one more piece of work in the pool's hands whenever
/// more callers wait, or proposals do for the last to be told (<see cref="AnswersFirst"/>), and it takes over from here. Threading: any thread gives.
/// </remarks>
internal sealed class PoolAnswers<TOutcome>(AnswersFirst answersFirst) : IAnswers<TOutcome>, IThreadPoolWorkItem
{
    private readonly Lock _lock = new();
    private readonly Queue<Answered<TOutcome>> _waiting = new();

    /// <summary>A piece of work has been handed to the pool and has not begun.</summary>
    private bool _isPosted;

    public void Give(ReadOnlySpan<Answered<TOutcome>> answers)
    {
        lock (_lock)
        {
            foreach (ref readonly var answer in answers)
                _waiting.Enqueue(answer);
            answersFirst.Untold(_waiting.Count);
            if (_isPosted || _waiting.Count == 0)
                return;
            _isPosted = true;
        }

        ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
    }

    void IThreadPoolWorkItem.Execute()
    {
        var begun = true;
        while (TryTake(begun, out var answer, out var post))
        {
            begun = false;
            if (post)
                ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
            answer.Caller.TrySetResult(answer.Outcome);
        }
    }

    private bool TryTake(bool begun, out Answered<TOutcome> answer, out bool post)
    {
        lock (_lock)
        {
            if (begun)
                _isPosted = false;
            if (!_waiting.TryDequeue(out answer))
            {
                answersFirst.Untold(0);
                post = false;
                return false;
            }

            // The last one counts as untold until he has gone on, if proposals wait for that; should he block, the further piece of work finds nobody left.
            var isHandedOver = _waiting.Count > 0 || answersFirst.IsAwaited;
            post = !_isPosted && isHandedOver;
            _isPosted |= post;
            answersFirst.Untold(isHandedOver ? Math.Max(1, _waiting.Count) : 0);
            return true;
        }
    }
}
