namespace Quorate.Verification.Exploration;

/// <summary>The worlds that are explored.</summary>
internal static class ModelConfigs
{
    /// <summary>A command so large that it does not fit into one message with the entry before it or after it: then an old entry arrives without a new one.</summary>
    private const int LargeCommandBytes = 960;

    /// <summary>Each is small enough to be explored whole in seconds; docs/testing.md has their numbers.</summary>
    public static IReadOnlyList<ModelConfig> All { get; } =
    [
        new("lone-member")
        {
            Members = 1,
            AsyncFlush = true,
            Budget = new() { Timeouts = 3, Crashes = 2, Proposals = 2 },
        },
        new("two-with-slow-disks")
        {
            Members = 2,
            StartsWithLeader = true,
            AsyncFlush = true,
            Budget = new() { Timeouts = 2, Crashes = 1, Proposals = 1 },
        },
        new("two-that-read")
        {
            Members = 2,
            StartsWithLeader = true,
            Budget = new() { Timeouts = 1, Crashes = 1, Heartbeats = 1, Reads = 2 },
        },
        new("three-elect")
        {
            OneInFlightPerLinkAndKind = true,
            Budget = new() { Timeouts = 2 },
        },
        new("three-with-slow-disks")
        {
            StartsWithLeader = true,
            AsyncFlush = true,
            Budget = new() { Timeouts = 1, Crashes = 1 },
        },
        new("three-that-read")
        {
            StartsWithLeader = true,
            OneInFlightPerLinkAndKind = true,
            Budget = new() { Timeouts = 1, Reads = 1 },
        },
        new("three-that-write")
        {
            StartsWithLeader = true,
            OneInFlightPerLinkAndKind = true,
            CommandBytes = LargeCommandBytes,
            Budget = new() { Timeouts = 1, Proposals = 1 },
        },
        new("three-that-write-and-crash")
        {
            StartsWithLeader = true,
            OneInFlightPerLinkAndKind = true,
            Budget = new() { Timeouts = 1, Crashes = 1, Proposals = 1 },
        },
        new("three-that-read-and-crash")
        {
            StartsWithLeader = true,
            OneInFlightPerLinkAndKind = true,
            Budget = new() { Timeouts = 1, Crashes = 1, Reads = 1 },
        },
        new("two-with-duplicates")
        {
            Members = 2,
            StartsWithLeader = true,
            AsyncFlush = true,
            Budget = new() { Timeouts = 2, Crashes = 1, Proposals = 1, Duplicates = 1 },
        },
        new("three-with-duplicates")
        {
            StartsWithLeader = true,
            Budget = new() { Crashes = 1, Proposals = 1, Duplicates = 1 },
        },
        new("three-elect-with-duplicates")
        {
            StartsWithLeader = true,
            Budget = new() { Timeouts = 1, Crashes = 1, Duplicates = 1 },
        },
        new("two-that-lose-connections")
        {
            Members = 2,
            StartsWithLeader = true,
            AsyncFlush = true,
            Budget = new() { Timeouts = 1, Proposals = 1, LostPeers = 1, QuorumTimeouts = 1 },
        },
        new("three-that-lose-connections")
        {
            StartsWithLeader = true,
            Budget = new() { Timeouts = 1, LostPeers = 1, QuorumTimeouts = 1 },
        },
        new("five-that-write")
        {
            Members = 5,
            StartsWithLeader = true,
            Budget = new() { Proposals = 1 },
        },
    ];

    /// <summary>Too large for that by far: for walks.</summary>
    public static ModelConfig RandomWalk { get; } = new("walk")
    {
        StartsWithLeader = true,
        AsyncFlush = true,
        AsyncApply = true,
        Drops = true,
        Symmetric = false,

        CommandBytes = LargeCommandBytes,

        // As often as a walk is long; which of them there are, each walk draws.
        Budget = new()
        {
            Timeouts = 255, Heartbeats = 255, Crashes = 255, Proposals = 255, Reads = 255, Duplicates = 255, Isolations = 255, LostPeers = 255, QuorumTimeouts = 255,
        },
    };

    public static ModelConfig Find(string name) =>
        All.FirstOrDefault(scope => scope.Name == name) ?? throw new ArgumentException($"{name} is none of {string.Join(", ", All.Select(static scope => scope.Name))}.", nameof(name));
}
