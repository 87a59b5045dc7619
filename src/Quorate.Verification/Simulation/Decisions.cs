using Quorate.Verification.Shrinking;

namespace Quorate.Verification.Simulation;

/// <summary>What a run decides on the way and could do without: each strike of a fault, each turn of a client. They are noted, and those left out are not done.</summary>
internal sealed class Decisions
{
    private readonly HashSet<string>? _strikes;
    private readonly Dictionary<int, Queue<ClientIteration>>? _turns;
    private readonly Dictionary<string, int> _strikesOf = new(StringComparer.Ordinal);

    public Decisions(Reduction reduction)
    {
        _strikes = reduction.FaultInjections?.ToHashSet(StringComparer.Ordinal);
        _turns = reduction.ClientIterations?.GroupBy(static t => t.Client).ToDictionary(static g => g.Key, static g => new Queue<ClientIteration>(g));
    }

    /// <summary>The strikes that happened.</summary>
    public List<string> Strikes { get; } = [];

    /// <summary>The turns that were taken.</summary>
    public List<ClientIteration> Turns { get; } = [];

    /// <summary>A fault is about to strike: its name with the number of the strike, and whether it happens.</summary>
    public (string Name, bool Happens) Strike(string fault)
    {
        var number = _strikesOf[fault] = _strikesOf.GetValueOrDefault(fault) + 1;
        var name = $"{fault.Replace(' ', '-')}.{number}";
        if (_strikes?.Contains(name) == false)
            return (name, false);
        Strikes.Add(name);
        return (name, true);
    }

    /// <summary>A client is about to take a turn, its next if nothing is left out: which one it takes, and when at the earliest; null: none any more.</summary>
    public ClientIteration? NextTurn(int client, int next, long now)
    {
        if (_turns is null)
            return new ClientIteration(client, next, now);
        return _turns.TryGetValue(client, out var turns) && turns.TryDequeue(out var turn) ? turn : null;
    }

    public void Began(in ClientIteration turn) => Turns.Add(turn);
}
