namespace Quorate.Verification.Specification;

/// <summary>The CONSTANTS of spec/QuorateRaft.tla: who there is, and how far is looked. 0 switches a feature off.</summary>
internal sealed record Constants
{
    public required int Servers { get; init; }

    public required ServerSet InitialVoters { get; init; }

    /// <summary>The sets of voters that a change of membership may aim at.</summary>
    public IReadOnlyList<ServerSet> Targets { get; init; } = [];

    /// <summary>Servers that differ by nothing but their name.</summary>
    public ServerSet SymmetricServers { get; init; }

    /// <summary>It begins with a leader, not with nothing.</summary>
    public bool StartsElected { get; init; }

    public bool PreVote { get; init; }

    public int MaxTerm { get; init; }

    public int MaxCommands { get; init; }

    public int MaxWrites { get; init; }

    public int MaxRestarts { get; init; }

    public int MaxChanges { get; init; }

    public int MaxSnapshots { get; init; }

    public int MaxReads { get; init; }
}
