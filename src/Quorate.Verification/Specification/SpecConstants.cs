namespace Quorate.Verification.Specification;

/// <summary>The CONSTANTS of spec/QuorateRaft.tla and spec/MC.tla: the servers and the bounds. 0 disables a feature.</summary>
internal sealed record SpecConstants
{
    public required int Servers { get; init; }

    public required ServerSet InitialVoters { get; init; }

    /// <summary>The sets of voters that a membership change may propose.</summary>
    public IReadOnlyList<ServerSet> Targets { get; init; } = [];

    /// <summary>Servers that may be permuted: states that differ only by such a permutation count as one.</summary>
    public ServerSet SymmetricServers { get; init; }

    /// <summary>The name of the initial state: Init, or one of spec/MC.tla.</summary>
    public string InitialState { get; init; } = "Init";

    public bool PreVote { get; init; }

    public int MaxTerm { get; init; }

    public int MaxCommands { get; init; }

    public int MaxWrites { get; init; }

    public int MaxRestarts { get; init; }

    public int MaxChanges { get; init; }

    public int MaxSnapshots { get; init; }

    public int MaxReads { get; init; }

    public int MaxTransfers { get; init; }
}
