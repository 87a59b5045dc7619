using Quorate.Verification.Shrinking;

namespace Quorate.Verification.Simulation;

/// <summary>What a run decides on the way and could do without: each strike of a fault, each turn of a client. They are noted, and those left out are not done.</summary>
internal sealed class ReplayPlan
{
    private readonly HashSet<string>? _includedInjections;
    private readonly Dictionary<int, Queue<ClientIteration>>? _includedIterations;
    private readonly Dictionary<string, int> _injectionCounts = new(StringComparer.Ordinal);

    public ReplayPlan(Reduction reduction)
    {
        _includedInjections = reduction.FaultInjections?.ToHashSet(StringComparer.Ordinal);
        _includedIterations = reduction.ClientIterations?.GroupBy(static t => t.Client).ToDictionary(static g => g.Key, static g => new Queue<ClientIteration>(g));
    }

    /// <summary>The strikes that happened.</summary>
    public List<string> FaultInjections { get; } = [];

    /// <summary>The turns that were taken.</summary>
    public List<ClientIteration> ClientIterations { get; } = [];

    /// <summary>A fault is about to strike: its name with the number of the strike, and whether it happens.</summary>
    public (string Name, bool Happens) BeginInjection(string fault)
    {
        var number = _injectionCounts[fault] = _injectionCounts.GetValueOrDefault(fault) + 1;
        var name = $"{fault.Replace(' ', '-')}.{number}";
        if (_includedInjections?.Contains(name) == false)
            return (name, false);
        FaultInjections.Add(name);
        return (name, true);
    }

    /// <summary>A client is about to take a turn, its next if nothing is left out: which one it takes, and when at the earliest; null: none any more.</summary>
    public ClientIteration? NextIteration(int client, int next, long now)
    {
        if (_includedIterations is null)
            return new ClientIteration(client, next, now);
        return _includedIterations.TryGetValue(client, out var iterations) && iterations.TryDequeue(out var iteration) ? iteration : null;
    }

    public void OnIterationBegun(in ClientIteration iteration) => ClientIterations.Add(iteration);
}
