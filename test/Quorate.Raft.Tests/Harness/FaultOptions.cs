namespace Quorate.Raft.Tests;

/// <summary>The faults of a run and their rates, drawn from the seed, so that many runs have only some of the faults.</summary>
internal sealed record FaultOptions
{
    /// <summary>Messages lost, per mille.</summary>
    public int Loss { get; init; }

    /// <summary>Messages delivered twice, per mille.</summary>
    public int Duplicates { get; init; }

    /// <summary>The longest ordinary delay of a message, in rounds; with more than 1, messages are reordered.</summary>
    public int DelayMax { get; init; } = 1;

    /// <summary>Messages delayed ten times as long, per mille.</summary>
    public int DelayedMessages { get; init; }

    /// <summary>Rounds in which a link is cut in one direction, per mille.</summary>
    public int Cuts { get; init; }

    /// <summary>Rounds in which the cluster is partitioned into two halves, per mille.</summary>
    public int Splits { get; init; }

    /// <summary>Rounds in which all cuts heal, per mille.</summary>
    public int Heals { get; init; } = 20;

    /// <summary>Rounds in which a node crashes, per mille.</summary>
    public int Crashes { get; init; }

    /// <summary>Rounds in which a node that is down restarts, per mille.</summary>
    public int Restarts { get; init; } = 50;

    /// <summary>Whether nodes detect closed connections: when a node crashes, and sometimes spuriously.</summary>
    public bool PeerLost { get; init; }

    /// <summary>Rounds in which a disk completes appends, per mille; in the others it lags.</summary>
    public int Flushes { get; init; } = 1000;

    /// <summary>Rounds in which a disk stalls for a while, per mille.</summary>
    public int DiskStalls { get; init; }

    /// <summary>Rounds in which a node's clock does not tick, per mille.</summary>
    public int LostTicks { get; init; }

    /// <summary>Rounds in which a process is paused for a while, per mille: it receives nothing, and then continues where it was.</summary>
    public int Pauses { get; init; }

    /// <summary>Rounds in which a state machine applies entries, per mille.</summary>
    public int Applies { get; init; } = 1000;

    /// <summary>Rounds with a proposal, per mille.</summary>
    public int Proposals { get; init; } = 300;

    /// <summary>Rounds with a read, per mille.</summary>
    public int Reads { get; init; } = 200;

    public static FaultOptions None { get; } = new() { Proposals = 0, Reads = 0 };

    public static FaultOptions Generate(Prng prng) => new()
    {
        Loss = prng.Pick(0, 0, 10, 100, 300),
        Duplicates = prng.Pick(0, 0, 50, 300),
        DelayMax = prng.Pick(1, 1, 3, 8, 20),
        DelayedMessages = prng.Pick(0, 0, 20, 100),
        Cuts = prng.Pick(0, 0, 10, 40),
        Splits = prng.Pick(0, 0, 10, 30),
        Heals = prng.Pick(10, 30, 100),
        Crashes = prng.Pick(0, 5, 20, 50),
        Restarts = prng.Pick(20, 50, 200),
        PeerLost = prng.Chance(500),
        Flushes = prng.Pick(1000, 1000, 500, 100),
        DiskStalls = prng.Pick(0, 0, 5, 20),
        LostTicks = prng.Pick(0, 0, 100, 300),
        Applies = prng.Pick(1000, 1000, 300, 50),
        Proposals = prng.Pick(100, 300, 800),
        Reads = prng.Pick(0, 100, 500),
        Pauses = prng.Pick(0, 0, 5, 20),
    };
}
