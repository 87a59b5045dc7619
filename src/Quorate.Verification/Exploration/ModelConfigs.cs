using Quorate.Raft;

namespace Quorate.Verification.Exploration;

/// <summary>The model configurations of the explorer.</summary>
internal static class ModelConfigs
{
    /// <summary>
    /// Payload so large that no message has room for two commands: so a delayed message with an old entry can arrive without the entry
    /// after it.
    /// </summary>
    private const int LargeCommandBytes = 960;

    /// <summary>
    /// Configurations that are small enough to be explored exhaustively in seconds; docs/testing/explorer.md has their sizes.
    /// </summary>
    public static IReadOnlyList<ModelConfig> All { get; } =
    [
        new("lone-member")
        {
            Membership = ModelConfig.Voters(1),
            AsyncFlush = true,
            Budget = new() { Timeouts = 3, Crashes = 2, Proposals = 2 },
        },
        new("two-with-slow-disks")
        {
            Membership = ModelConfig.Voters(2),
            StartsWithLeader = true,
            AsyncFlush = true,
            Budget = new() { Timeouts = 2, Crashes = 1, Proposals = 1 },
        },
        new("two-that-read")
        {
            Membership = ModelConfig.Voters(2),
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
            Membership = ModelConfig.Voters(2),
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
            Membership = ModelConfig.Voters(2),
            StartsWithLeader = true,
            AsyncFlush = true,
            Budget = new() { Timeouts = 1, Proposals = 1, LostPeers = 1, QuorumTimeouts = 1 },
        },
        new("three-that-lose-connections")
        {
            StartsWithLeader = true,
            Budget = new() { Timeouts = 1, LostPeers = 1, QuorumTimeouts = 1 },
        },
        new("three-that-install")
        {
            StartsDiverged = true,
            AsyncFlush = true,
            Budget = new() { Heartbeats = 2, Crashes = 1 },
        },
        new("three-that-install-and-elect")
        {
            StartsDiverged = true,
            AsyncFlush = true,
            OneInFlightPerLinkAndKind = true,
            Budget = new() { Heartbeats = 1, Crashes = 1, Timeouts = 1 },
        },
        new("three-with-snapshots")
        {
            StartsWithLeader = true,
            OneInFlightPerLinkAndKind = true,
            Budget = new() { Timeouts = 1, Heartbeats = 1, Snapshots = 1 },
        },
        new("three-that-repair")
        {
            StartsWithLeader = true,
            OneInFlightPerLinkAndKind = true,
            Budget = new() { Timeouts = 1, Heartbeats = 1, LostLogs = 1 },
        },
        new("three-that-write-and-repair")
        {
            StartsWithLeader = true,
            OneInFlightPerLinkAndKind = true,
            Budget = new() { Timeouts = 1, Proposals = 1, LostLogs = 1 },
        },
        new("five-that-write")
        {
            Membership = ModelConfig.Voters(5),
            StartsWithLeader = true,
            Budget = new() { Proposals = 1 },
        },
    ];

    /// <summary>The configurations for random walks; far too large for an exhaustive search. The first is the default.</summary>
    public static IReadOnlyList<ModelConfig> Walks { get; } =
    [
        Walk("three-members", ModelConfig.Voters(3)),
        Walk("five-members", ModelConfig.Voters(5)),
        Walk("joint-configuration", ModelConfig.MembershipOf([1, 2, 3], outgoing: [3, 4, 5])),
        Walk("joint-with-a-learner", ModelConfig.MembershipOf([2], outgoing: [1, 2, 3], learners: [4])),
        Walk("two-learners", ModelConfig.MembershipOf([1, 2, 3], learners: [4, 5])),
    ];

    public static ModelConfig Find(string name) => Find(name, All);

    public static ModelConfig FindWalk(string name) => Find(name, Walks);

    private static ModelConfig Walk(string name, Configuration membership) => new(name)
    {
        Membership = membership,
        StartsWithLeader = true,
        AsyncFlush = true,
        AsyncApply = true,
        Drops = true,
        Symmetric = false,

        CommandBytes = LargeCommandBytes,

        // At least as many as a walk has steps. Each walk draws which of these actions it has at all.
        Budget = new()
        {
            Timeouts = 255,
            Heartbeats = 255,
            Crashes = 255,
            Proposals = 255,
            Reads = 255,
            Duplicates = 255,
            Isolations = 255,
            LostPeers = 255,
            QuorumTimeouts = 255,
            Snapshots = 255,
            LostLogs = 255,
        },
    };

    private static ModelConfig Find(string name, IReadOnlyList<ModelConfig> configs) =>
        configs.FirstOrDefault(config => config.Name == name)
            ?? throw new ArgumentException(
                $"there is no model configuration \"{name}\"; there are {string.Join(", ", configs.Select(static config => config.Name))}",
                nameof(name));
}
