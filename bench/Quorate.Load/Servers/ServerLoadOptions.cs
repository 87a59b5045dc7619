namespace Quorate.Load.Servers;

/// <summary>What is measured.</summary>
internal enum ServerOperation
{
    Put,
    Range,
}

/// <summary>The validated options of one measurement of a server.</summary>
internal sealed record ServerLoadOptions
{
    public required ServerOperation Operation { get; init; }

    public required IReadOnlyList<Uri> Endpoints { get; init; }

    /// <summary>The number of clients, each with at most one operation in flight.</summary>
    public int Clients { get; init; } = 1;

    /// <summary>The number of connections that the clients share.</summary>
    public int Connections { get; init; } = 1;

    /// <summary>The number of threads that the connections are distributed over.</summary>
    public int Threads { get; init; } = 1;

    public int KeyBytes { get; init; } = 8;

    public int ValueBytes { get; init; } = 256;

    /// <summary>The number of distinct keys.</summary>
    public int KeySpace { get; init; } = 100_000;

    public bool SequentialKeys { get; init; }

    /// <summary>Whether reads are serializable instead of linearizable.</summary>
    public bool Serializable { get; init; }

    /// <summary>The number of operations to measure; null to measure for <see cref="Duration"/>.</summary>
    public long? Total { get; init; }

    public TimeSpan Duration { get; init; } = TimeSpan.FromSeconds(10);

    public TimeSpan Warmup { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Operations per second of an open loop; null for a closed loop.</summary>
    public double? Rate { get; init; }

    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(5);

    public int Seed { get; init; } = 1;

    /// <summary>Operations that complete while a file exists that matches one of these patterns are reported separately too.</summary>
    public IReadOnlyList<string> WhileFiles { get; init; } = [];

    /// <summary>Whether only the leader's endpoint is used.</summary>
    public bool TargetLeader { get; init; }
}
