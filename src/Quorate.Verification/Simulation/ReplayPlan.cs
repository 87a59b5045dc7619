using Quorate.Verification.Shrinking;

namespace Quorate.Verification.Simulation;

/// <summary>
/// Decides which fault injections and client iterations a run includes, and records those that happened. A reduced run leaves out the
/// others.
/// </summary>
internal sealed class ReplayPlan
{
    private readonly HashSet<string>? _includedInjections;
    private readonly Dictionary<int, Queue<ClientIteration>>? _includedIterations;
    private readonly Dictionary<string, int> _injectionCounts = new(StringComparer.Ordinal);

    public ReplayPlan(RunReduction reduction)
    {
        _includedInjections = reduction.FaultInjections?.ToHashSet(StringComparer.Ordinal);
        _includedIterations = reduction.ClientIterations?
            .GroupBy(static i => i.Client)
            .ToDictionary(static g => g.Key, static g => new Queue<ClientIteration>(g));
    }

    /// <summary>The fault injections that happened.</summary>
    public List<string> FaultInjections { get; } = [];

    /// <summary>The client iterations that happened.</summary>
    public List<ClientIteration> ClientIterations { get; } = [];

    /// <summary>Numbers the next injection of a fault: returns its name with that number, and whether this run includes it.</summary>
    public (string Name, bool Happens) BeginInjection(string fault)
    {
        var number = _injectionCounts[fault] = _injectionCounts.GetValueOrDefault(fault) + 1;
        var name = $"{fault.Replace(' ', '-')}.{number}";
        if (_includedInjections?.Contains(name) == false)
            return (name, false);
        FaultInjections.Add(name);
        return (name, true);
    }

    /// <summary>Returns which iteration a client runs next, and its earliest start; null when the client has none left.</summary>
    /// <param name="client">The client.</param>
    /// <param name="next">Its next iteration if none is left out.</param>
    /// <param name="now">The current virtual time.</param>
    public ClientIteration? NextIteration(int client, int next, long now)
    {
        if (_includedIterations is null)
            return new ClientIteration(client, next, now);
        return _includedIterations.TryGetValue(client, out var iterations) && iterations.TryDequeue(out var iteration) ? iteration : null;
    }

    public void OnIterationBegun(in ClientIteration iteration) => ClientIterations.Add(iteration);
}
