namespace Quorate.Raft.Tests;

/// <summary>Which faults a run has, and how often; drawn from its seed, so that many runs have only some of them.</summary>
internal sealed record FaultOptions
{
    /// <summary>Messages lost, of a thousand.</summary>
    public int Loss { get; init; }

    /// <summary>Messages delivered twice, of a thousand.</summary>
    public int Duplicates { get; init; }

    /// <summary>A message takes 1 to this many rounds: where it is more than 1, messages overtake each other.</summary>
    public int DelayMax { get; init; } = 1;

    /// <summary>Messages, of a thousand, that are held back ten times as long.</summary>
    public int DelayedMessages { get; init; }

    /// <summary>Rounds, of a thousand, in which a link is cut, one way.</summary>
    public int Cuts { get; init; }

    /// <summary>Rounds, of a thousand, in which the cluster is split in two.</summary>
    public int Splits { get; init; }

    /// <summary>Rounds, of a thousand, in which cuts heal.</summary>
    public int Heals { get; init; } = 20;

    /// <summary>Rounds, of a thousand, in which a node crashes.</summary>
    public int Crashes { get; init; }

    /// <summary>Rounds, of a thousand, in which a node that is down comes back.</summary>
    public int Restarts { get; init; } = 50;

    /// <summary>A closed connection is noticed when a node crashes, and sometimes without reason.</summary>
    public bool PeerLost { get; init; }

    /// <summary>Rounds, of a thousand, in which a disk answers; the rest of the time it lags.</summary>
    public int Flushes { get; init; } = 1000;

    /// <summary>Rounds, of a thousand, in which a disk stops answering for a while.</summary>
    public int DiskStalls { get; init; }

    /// <summary>Rounds, of a thousand, in which a node's clock does not tick.</summary>
    public int LostTicks { get; init; }

    /// <summary>Rounds, of a thousand, in which a process is stopped for a while: it hears nothing, and then goes on as if nothing had been.</summary>
    public int Pauses { get; init; }

    /// <summary>Rounds, of a thousand, in which a state machine applies.</summary>
    public int Applies { get; init; } = 1000;

    /// <summary>Rounds, of a thousand, with a proposal, and with a read.</summary>
    public int Proposals { get; init; } = 300;

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
