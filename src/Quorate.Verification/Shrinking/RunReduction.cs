using System.Globalization;

namespace Quorate.Verification.Shrinking;

/// <summary>Which parts of a seed's run are left out: a smaller run of the same seed shows more clearly why it fails.</summary>
/// <remarks>
/// Every part that can be left out uses a random stream of its own, so the other parts do not change. <see cref="ToString"/> returns the
/// reduction as arguments of the simulator program, and <see cref="TryApply"/> parses them.
/// </remarks>
public sealed record RunReduction
{
    /// <summary>No reduction: the whole run.</summary>
    public static RunReduction None { get; } = new();

    /// <summary>The fault injections that take place, by name: <c>kill.3</c> is the third kill. Null: all.</summary>
    public IReadOnlyList<string>? FaultInjections { get; init; }

    /// <summary>
    /// The client iterations that take place: client, number, and earliest start in microseconds. Null: all, each at its own time.
    /// </summary>
    public IReadOnlyList<ClientIteration>? ClientIterations { get; init; }

    /// <summary>The continuous faults and limits that are disabled: names from <see cref="DisableableFaults"/>.</summary>
    public IReadOnlyList<string> DisabledFaults { get; init; } = [];

    /// <summary>Number of members; null: as drawn from the seed.</summary>
    public int? Members { get; init; }

    /// <summary>Duration of the fault phase in microseconds; null: as drawn from the seed.</summary>
    public long? FaultPhaseDuration { get; init; }

    /// <summary>End of the run in microseconds, without a liveness phase; null: the run is complete.</summary>
    public long? Until { get; init; }

    /// <summary>The names of the continuous faults and limits that can be disabled.</summary>
    public static IReadOnlyList<string> DisableableFaults { get; } =
        ["loss", "duplicates", "stale", "reordering", "drift", "slow-links", "slow-disks", "slow-machines", "closing", "tight", "broken"];

    /// <summary>
    /// Applies one argument of the simulator program with its value; returns false if it is not an argument of a reduction.
    /// </summary>
    /// <exception cref="FormatException">The value is invalid.</exception>
    public static bool TryApply(RunReduction before, string argument, string value, out RunReduction after)
    {
        ArgumentNullException.ThrowIfNull(before);
        ArgumentNullException.ThrowIfNull(value);
        string[] List() => value == "-" ? [] : value.Split(',');
        after = argument switch
        {
            "--injections" => before with { FaultInjections = List() },
            "--iterations" => before with { ClientIterations = [.. List().Select(ClientIteration.Parse)] },
            "--without" => before with { DisabledFaults = List() },
            "--members" => before with { Members = int.Parse(value, CultureInfo.InvariantCulture) },
            "--fault-phase" => before with { FaultPhaseDuration = long.Parse(value, CultureInfo.InvariantCulture) },
            "--until" => before with { Until = long.Parse(value, CultureInfo.InvariantCulture) },
            _ => before,
        };
        return !ReferenceEquals(before, after);
    }

    /// <summary>The reduction as arguments of the simulator program.</summary>
    public override string ToString()
    {
        var arguments = new List<string>();
        void Add(string name, object? value) => arguments.Add(string.Create(CultureInfo.InvariantCulture, $"{name} {value}"));
        void AddList<T>(string name, IReadOnlyList<T> values) => Add(name, values.Count == 0 ? "-" : string.Join(',', values));

        if (Members is not null)
            Add("--members", Members);
        if (FaultPhaseDuration is not null)
            Add("--fault-phase", FaultPhaseDuration);
        if (Until is not null)
            Add("--until", Until);
        if (DisabledFaults.Count > 0)
            AddList("--without", DisabledFaults);
        if (FaultInjections is not null)
            AddList("--injections", FaultInjections);
        if (ClientIterations is not null)
            AddList("--iterations", ClientIterations);
        return string.Join(' ', arguments);
    }
}

/// <summary>One iteration of a client's workload.</summary>
/// <param name="Client">Number of the client.</param>
/// <param name="Number">Number of the iteration among those of the client, from 0.</param>
/// <param name="At">Actual or earliest start, in microseconds.</param>
public readonly record struct ClientIteration(int Client, int Number, long At)
{
    /// <summary>Parses the format of <see cref="ToString"/>.</summary>
    /// <exception cref="FormatException">The text has another format.</exception>
    public static ClientIteration Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (text.Split('.', '@') is not [var client, var number, var at])
            throw new FormatException($"\"{text}\" is not a client iteration; the format is client.number@microseconds");
        return new ClientIteration(
            int.Parse(client, CultureInfo.InvariantCulture),
            int.Parse(number, CultureInfo.InvariantCulture),
            long.Parse(at, CultureInfo.InvariantCulture));
    }

    /// <summary><c>client.number@microseconds</c></summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Client}.{Number}@{At}");
}
