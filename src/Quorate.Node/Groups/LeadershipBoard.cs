using Quorate.Raft;

namespace Quorate.Node.Groups;

/// <summary>Who leads, written by the loop and read by anybody, who may also wait for the next change.</summary>
internal sealed class LeadershipBoard
{
    private readonly Lock _lock = new();
    private TaskCompletionSource<bool> _changed = New();
    private (Role Role, Term Term, NodeId Leader) _now;
    private bool _isClosed;

    /// <summary>Who leads, and a task that ends when that is no longer so: with true when there is news, with false when there will be none any more.</summary>
    public (Role Role, Term Term, NodeId Leader) Read(out Task<bool> changed)
    {
        lock (_lock)
        {
            changed = _changed.Task;
            return _now;
        }
    }

    /// <summary>Notes what the core says, and wakes whoever waits if it is new.</summary>
    public void Write(Role role, Term term, NodeId leader)
    {
        TaskCompletionSource<bool> changed;
        lock (_lock)
        {
            if (_isClosed || _now == (role, term, leader))
                return;
            _now = (role, term, leader);
            changed = _changed;
            _changed = New();
        }

        changed.SetResult(true);
    }

    /// <summary>The node has stopped: it knows of no leader, and nothing will change any more.</summary>
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

    private static TaskCompletionSource<bool> New() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
