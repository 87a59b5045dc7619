using Quorate.Raft;

namespace Quorate.Node.Driver;

/// <summary>The configurations of the group: written by the driver, read by any thread. A reader can wait for the next change.</summary>
internal sealed class ConfigurationState
{
    private readonly Lock _lock = new();
    private TaskCompletionSource<bool> _changed = CreateSource();
    private bool _isClosed;

    public ConfigurationState(ConfigurationAt current, ConfigurationAt committed) => (Current, Committed) = (current, committed);

    /// <summary>The configuration in force; it may not be committed yet.</summary>
    public ConfigurationAt Current { get; private set; }

    /// <summary>The committed configuration.</summary>
    public ConfigurationAt Committed { get; private set; }

    /// <summary>
    /// Returns both configurations, and a task that completes at the next change: with true after a change, with false when the node has
    /// stopped and no change will follow.
    /// </summary>
    public (ConfigurationAt Current, ConfigurationAt Committed) Read(out Task<bool> changed)
    {
        lock (_lock)
        {
            changed = _changed.Task;
            return (Current, Committed);
        }
    }

    /// <summary>Publishes the configurations, and notifies waiting readers.</summary>
    public void Write(ConfigurationAt current, ConfigurationAt committed)
    {
        TaskCompletionSource<bool> changed;
        lock (_lock)
        {
            if (_isClosed)
                return;
            (Current, Committed) = (current, committed);
            changed = _changed;
            _changed = CreateSource();
        }

        changed.SetResult(true);
    }

    /// <summary>Publishes that the node has stopped: no change will follow.</summary>
    public void Close()
    {
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
