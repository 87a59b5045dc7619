using Quorate.Raft;

namespace Quorate.Node.Groups;

/// <summary>Who leads, written by the loop and read by anybody, who may also wait for the next change.</summary>
internal sealed class LeadershipBoard
{
    private readonly Lock _lock = new();
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private (Role Role, Term Term, NodeId Leader) _now;

    /// <summary>Who leads, and a task that ends when that is no longer so.</summary>
    public (Role Role, Term Term, NodeId Leader) Read(out Task changed)
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
        TaskCompletionSource changed;
        lock (_lock)
        {
            if (_now == (role, term, leader))
                return;
            _now = (role, term, leader);
            changed = _changed;
            _changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }

        changed.SetResult();
    }
}
