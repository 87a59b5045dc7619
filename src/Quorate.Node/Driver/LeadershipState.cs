using Quorate.Raft;

namespace Quorate.Node.Driver;

/// <summary>Who leads, written by the loop and read by anybody, who may also wait for the next change.</summary>
internal sealed class LeadershipState
{
    private readonly Lock _lock = new();
    private TaskCompletionSource<bool> _changed = CreateSource();
    private (Role Role, Term Term, NodeId Leader) _current;
    private bool _isClosed;

    /// <summary>Who leads, and a task that ends when that is no longer so: with true when there is news, with false when there will be none any more.</summary>
    public (Role Role, Term Term, NodeId Leader) Read(out Task<bool> changed)
    {
        lock (_lock)
        {
            changed = _changed.Task;
            return _current;
        }
    }

    /// <summary>Notes what the core says, and wakes whoever waits if it is new.</summary>
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

    private static TaskCompletionSource<bool> CreateSource() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
