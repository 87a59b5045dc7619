using System.Globalization;

namespace Quorate.Verification.Shrinking;

/// <summary>What of a seed's run is left: the same seed with less of it, so that what made it fail can be seen.</summary>
/// <remarks>
/// Everything that can be taken away draws from a stream of its own, so the rest stays as it was. <see cref="ToString"/> gives it as arguments of
/// the runner, which <see cref="TryApply"/> reads again.
/// </remarks>
public sealed record Reduction
{
    /// <summary>All of it.</summary>
    public static Reduction None { get; } = new();

    /// <summary>The strikes of faults that happen, by name: <c>kill.3</c> is the third kill. Null: all.</summary>
    public IReadOnlyList<string>? FaultInjections { get; init; }

    /// <summary>What clients do: client, number of the turn, and when it begins at the earliest, microseconds. Null: everything, each when it likes.</summary>
    public IReadOnlyList<ClientIteration>? ClientIterations { get; init; }

    /// <summary>What the weather is spared: see <see cref="DisableableFaults"/>.</summary>
    public IReadOnlyList<string> DisabledFaults { get; init; } = [];

    /// <summary>How many members; null: as the seed says.</summary>
    public int? Members { get; init; }

    /// <summary>How long the life with faults is, microseconds; null: as the seed says.</summary>
    public long? FaultPhaseDuration { get; init; }

    /// <summary>The run ends there, microseconds, without a quiet phase; null: it does not.</summary>
    public long? Until { get; init; }

    /// <summary>The hardships that a run can be spared.</summary>
    public static IReadOnlyList<string> DisableableFaults { get; } =
        ["loss", "duplicates", "stale", "reordering", "drift", "slow-links", "slow-disks", "slow-machines", "closing", "tight", "broken"];

    /// <summary>Takes one argument of the runner and its value, if it is one of ours.</summary>
    /// <exception cref="FormatException">The value is not what <see cref="ToString"/> would write.</exception>
    public static bool TryApply(Reduction before, string argument, string value, out Reduction after)
    {
        ArgumentNullException.ThrowIfNull(before);
        ArgumentNullException.ThrowIfNull(value);
        string[] List() => value == "-" ? [] : value.Split(',');
        after = argument switch
        {
            "--strikes" => before with { FaultInjections = List() },
            "--turns" => before with { ClientIterations = [.. List().Select(ClientIteration.Parse)] },
            "--calm" => before with { DisabledFaults = List() },
            "--members" => before with { Members = int.Parse(value, CultureInfo.InvariantCulture) },
            "--life" => before with { FaultPhaseDuration = long.Parse(value, CultureInfo.InvariantCulture) },
            "--until" => before with { Until = long.Parse(value, CultureInfo.InvariantCulture) },
            _ => before,
        };
        return !ReferenceEquals(before, after);
    }

    /// <summary>As arguments of the runner.</summary>
    public override string ToString()
    {
        var arguments = new List<string>();
        void Add(string name, object? value) => arguments.Add(string.Create(CultureInfo.InvariantCulture, $"{name} {value}"));
        void AddList<T>(string name, IReadOnlyList<T> values) => Add(name, values.Count == 0 ? "-" : string.Join(',', values));

        if (Members is not null)
            Add("--members", Members);
        if (FaultPhaseDuration is not null)
            Add("--life", FaultPhaseDuration);
        if (Until is not null)
            Add("--until", Until);
        if (DisabledFaults.Count > 0)
            AddList("--calm", DisabledFaults);
        if (FaultInjections is not null)
            AddList("--strikes", FaultInjections);
        if (ClientIterations is not null)
            AddList("--turns", ClientIterations);
        return string.Join(' ', arguments);
    }
}

/// <summary>One turn of a client.</summary>
/// <param name="Client">Whose.</param>
/// <param name="Number">Its number among that client's, from 0.</param>
/// <param name="At">When it began, or is to begin at the earliest: microseconds.</param>
public readonly record struct ClientIteration(int Client, int Number, long At)
{
    /// <summary>Reads what <see cref="ToString"/> writes.</summary>
    /// <exception cref="FormatException">It is not that.</exception>
    public static ClientIteration Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (text.Split('.', '@') is not [var client, var number, var at])
            throw new FormatException($"{text} is no turn of a client: client.number@microseconds");
        return new ClientIteration(int.Parse(client, CultureInfo.InvariantCulture), int.Parse(number, CultureInfo.InvariantCulture), long.Parse(at, CultureInfo.InvariantCulture));
    }

    /// <summary><c>client.number@microseconds</c></summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Client}.{Number}@{At}");
}
