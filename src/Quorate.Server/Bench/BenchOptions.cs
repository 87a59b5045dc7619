namespace Quorate.Server.Bench;

/// <summary>What a client does: one of these, or, in a mix, each with its share.</summary>
internal enum OperationKind
{
    Put,
    Range,
    Txn,
}

/// <summary>One bench as it was asked for; checked, so that the rest need not doubt it.</summary>
internal sealed record BenchOptions
{
    public required string Verb { get; init; }

    public required IReadOnlyList<Uri> Endpoints { get; init; }

    /// <summary>Operations under way at the same time.</summary>
    public required int Clients { get; init; }

    /// <summary>HTTP/2 connections that the clients share.</summary>
    public required int Connections { get; init; }

    public required int KeyBytes { get; init; }

    public required int ValueBytes { get; init; }

    /// <summary>How many different keys there are.</summary>
    public required int KeySpace { get; init; }

    public required bool SequentialKeys { get; init; }

    /// <summary>Operations to measure; null to go by <see cref="Duration"/>.</summary>
    public required long? Total { get; init; }

    public required TimeSpan Duration { get; init; }

    public required TimeSpan Warmup { get; init; }

    /// <summary>Operations a second of an open loop; null for a closed loop.</summary>
    public required double? Rate { get; init; }

    public required TimeSpan Timeout { get; init; }

    public required int Seed { get; init; }

    public required bool TargetLeader { get; init; }

    public required bool Serializable { get; init; }

    /// <summary>The most keys a range returns; 0 for the single key, or for all under <see cref="Prefix"/>.</summary>
    public required long Limit { get; init; }

    public required string? Prefix { get; init; }

    /// <summary>Shares of put, range and txn, in the order of <see cref="OperationKind"/>; they add up to 1.</summary>
    public required IReadOnlyList<double> Shares { get; init; }
}
