using Quorate.Verification.Simulation;
using Quorate.Verification.Simulation.Coverage;
using Quorate.Verification.Simulation.Faults;
using Quorate.Verification.Simulation.Store;

namespace Quorate.Verification;

/// <summary>What many runs together must have met: each fault, each way an operation can end, each rare path of the protocol.</summary>
public static class CoverageGoals
{
    /// <summary>NotLeader is not among the reasons: whoever was taken for the leader of a term has led it, and does not refuse what it may have taken.</summary>
    private static readonly string[] OtherNames =
    [
        "Committed", "Granted", "Rejected", "Indeterminate", "inbox full",
        "refused: NoLeader", "refused: Busy", "refused: TooLarge", "refused: Superseded",
        "message lost", "message repeated", "message long after", "message cut off",
        "power cut", "flush failed", "disk full", "end in the middle of a turn", "end in the middle of a disk call",
        StoreHistory.Expired, StoreHistory.ExpirySuperseded, "searched for an order: Linearizable",
        "broken: down", "broken: cut off", "broken: deaf", "broken: mute", "broken: disk hangs", "broken: as it was",
        "away: does not hear the leader", "away: deaf", "away: cut off",
    ];

    /// <summary>The names, in <see cref="SimulationReport.Counts"/>, of all that is to be met.</summary>
    public static IReadOnlyList<string> Names { get; } =
    [
        .. Enum.GetValues<CoverageMark>().Select(Counters.NameOf),
        .. Fault.Names.Select(static f => "fault: " + f),
        .. Enum.GetValues<StoreRequestKind>().Select(StoreHistory.CounterName),
        .. Enum.GetValues<StoreError>().Where(static r => r != StoreError.None).Select(StoreHistory.CounterName),
        .. OtherNames,
    ];

    /// <summary>What was not met.</summary>
    /// <param name="counts">The counts of all runs together.</param>
    public static IReadOnlyList<string> Missing(IReadOnlyDictionary<string, long> counts) =>
        [.. Names.Where(name => !counts.TryGetValue(name, out var count) || count == 0)];
}
