using Quorate.Raft;
using Quorate.Verification.Simulation;
using Quorate.Verification.Simulation.Checks;
using Quorate.Verification.Simulation.Coverage;
using Quorate.Verification.Simulation.Faults;
using Quorate.Verification.Simulation.Store;

namespace Quorate.Verification;

/// <summary>What a set of many runs must cover: each fault, each outcome of an operation, each rare path of the protocol.</summary>
public static class CoverageGoals
{
    /// <remarks>
    /// NotLeader is not among the rejection reasons. A follower forwards only to a node that has led the term; that node may already have
    /// appended the proposal, and so does not reject it. Nor is NoLeader: without a leader the driver leaves proposals in their queue.
    /// </remarks>
    private static readonly string[] OtherNames =
    [
        "Committed", "Granted", "Rejected", "Indeterminate", "inbox full", "rejected NoSpace",
        "proposal rejected: Busy", "proposal rejected: TooLarge", "proposal rejected: Superseded",
        nameof(TraceKind.SnapshotSaved), nameof(TraceKind.Compacted), nameof(TraceKind.FollowerNeedsSnapshot),
        nameof(TraceKind.SnapshotInstalled),
        "message lost", "message duplicated", "message stale", "message dropped by a cut link",
        "power cut", "flush failed", "disk full", "process ended during an iteration", "process ended during a disk call",
        StoreHistoryChecker.Expired, StoreHistoryChecker.ExpirySuperseded, StoreHistoryChecker.ExpiredByReaper,
        StoreHistoryChecker.Advanced, StoreHistoryChecker.AdvancedByFollower, StoreHistoryChecker.AdvanceSuperseded,
        "searched for an order: Linearizable",
        "broken: down", "broken: cut off", "broken: deaf", "broken: mute", "broken: disk hangs", "broken: as it was",
        CatchUpChecker.Diverged, CatchUpChecker.DivergedFarAway,
        "away: does not hear the leader", "away: deaf", "away: cut off",
    ];

    /// <summary>The names of all goals; they are keys of <see cref="SimulationReport.Counts"/>.</summary>
    public static IReadOnlyList<string> Names { get; } =
    [
        .. Enum.GetValues<CoverageMark>().Select(RunCounters.NameOf),
        .. Fault.Names.Select(static f => "fault: " + f),
        .. Enum.GetValues<StoreRequestKind>().Select(StoreHistoryChecker.CounterName),
        .. Enum.GetValues<StoreError>().Where(static r => r != StoreError.None).Select(StoreHistoryChecker.CounterName),
        .. Enum.GetValues<StorageHealth>().Select(CoverageObserver.HealthCounter),
        .. OtherNames,
    ];

    /// <summary>Returns the goals that were not reached.</summary>
    /// <param name="counts">The summed counts of all runs.</param>
    public static IReadOnlyList<string> Missing(IReadOnlyDictionary<string, long> counts) =>
        [.. Names.Where(name => !counts.TryGetValue(name, out var count) || count == 0)];
}
