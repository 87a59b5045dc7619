namespace Quorate.Raft;

/// <summary>A configuration, and the entry of the log that holds it; index 0: the configuration with which the node was created.</summary>
public readonly record struct ConfigurationAt(LogIndex Index, Configuration Configuration);

/// <summary>The configurations of the log: the one in force at its start, and those of its entries.</summary>
/// <remarks>
/// A configuration is in force as soon as its entry is appended, so the last one of the list is. The earlier ones are kept because the
/// entry may be truncated, and because a snapshot states the configuration as of its last entry.
/// Shape: at least one element; indexes ascend. Source: thesis §4.1.
/// </remarks>
internal sealed class ConfigurationHistory
{
    private readonly List<ConfigurationAt> _configurations;

    /// <param name="configurations">The configuration in force at the start of the log, and those of its entries.</param>
    public ConfigurationHistory(IEnumerable<ConfigurationAt> configurations)
    {
        _configurations = [.. configurations];
        Invariant.That(_configurations.Count > 0, "a configuration is in force at the start of the log");
    }

    private ConfigurationHistory(ConfigurationHistory other) => _configurations = [.. other._configurations];

    /// <summary>The configuration in force.</summary>
    public Configuration Current => _configurations[^1].Configuration;

    /// <summary>The index of the entry that holds <see cref="Current"/>.</summary>
    public LogIndex CurrentIndex => _configurations[^1].Index;

    /// <summary>The configurations, oldest first.</summary>
    public IReadOnlyList<ConfigurationAt> All => _configurations;

    /// <summary>Returns the configuration in force after the entry at an index.</summary>
    public ConfigurationAt At(LogIndex index)
    {
        for (var i = _configurations.Count - 1; i > 0; i--)
        {
            if (_configurations[i].Index <= index)
                return _configurations[i];
        }

        return _configurations[0];
    }

    /// <summary>Returns the details of a node in the newest configuration of which it is a member; null: there is none.</summary>
    public Member? FindNewest(NodeId node)
    {
        for (var i = _configurations.Count - 1; i >= 0; i--)
        {
            if (_configurations[i].Configuration.Find(node) is { } member)
                return member;
        }

        return null;
    }

    /// <summary>Whether the node was a member in one of the configurations.</summary>
    public bool Contained(NodeId node) => _configurations.Exists(at => at.Configuration.IsMember(node));

    /// <summary>Adds the configuration of an entry that was appended.</summary>
    public void Append(LogIndex index, Configuration configuration)
    {
        Invariant.That(index > CurrentIndex, "configurations are appended in the order of the log");
        _configurations.Add(new ConfigurationAt(index, configuration));
    }

    /// <summary>Removes the configurations of truncated entries. Returns whether another one is in force now.</summary>
    public bool TruncateFrom(LogIndex index)
    {
        var before = _configurations.Count;
        while (_configurations.Count > 1 && CurrentIndex >= index)
            _configurations.RemoveAt(_configurations.Count - 1);
        return _configurations.Count != before;
    }

    /// <summary>Removes the configurations that were replaced at or before an index.</summary>
    public void DropBefore(LogIndex index)
    {
        while (_configurations.Count > 1 && _configurations[1].Index <= index)
            _configurations.RemoveAt(0);
    }

    /// <summary>Replaces all configurations by that of a snapshot.</summary>
    public void Reset(ConfigurationAt configuration)
    {
        _configurations.Clear();
        _configurations.Add(configuration);
    }

    /// <summary>Returns an independent copy.</summary>
    public ConfigurationHistory Clone() => new(this);
}
