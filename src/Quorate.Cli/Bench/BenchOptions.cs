namespace Quorate.Cli.Bench;

/// <summary>The kinds of operations; a mixed workload has a fraction of each.</summary>
internal enum BenchOperationKind
{
    Put,
    Range,
    Txn,
}

/// <summary>The validated options of one bench.</summary>
internal sealed record BenchOptions
{
    public required string Verb { get; init; }

    public required IReadOnlyList<Uri> Endpoints { get; init; }

    /// <summary>The number of clients, each with one pending operation at a time.</summary>
    public required int Clients { get; init; }

    /// <summary>The number of HTTP/2 connections shared by the clients.</summary>
    public required int Connections { get; init; }

    public required int KeyBytes { get; init; }

    public required int ValueBytes { get; init; }

    /// <summary>The number of distinct keys.</summary>
    public required int KeySpace { get; init; }

    public required bool SequentialKeys { get; init; }

    /// <summary>The number of operations to measure; null to measure for <see cref="Duration"/>.</summary>
    public required long? Total { get; init; }

    public required TimeSpan Duration { get; init; }

    public required TimeSpan Warmup { get; init; }

    /// <summary>Operations per second of an open loop; null for a closed loop.</summary>
    public required double? Rate { get; init; }

    public required TimeSpan Timeout { get; init; }

    public required int Seed { get; init; }

    public required bool TargetLeader { get; init; }

    public required bool Serializable { get; init; }

    /// <summary>The maximum number of keys a range returns; 0 for a single key, or for all keys under <see cref="Prefix"/>.</summary>
    public required long Limit { get; init; }

    public required string? Prefix { get; init; }

    /// <summary>The fractions of put, range and txn, in the order of <see cref="BenchOperationKind"/>; their sum is 1.</summary>
    public required IReadOnlyList<double> Shares { get; init; }
}
