using System.Diagnostics;
using System.Globalization;

namespace Quorate.Verification.Tests.Seeds;

/// <summary>Whole clusters under seeds 1, 2, 3 and on, for as long as there is time: docs/testing.md has the long run.</summary>
/// <remarks>QUORATE_SIM_SECONDS is that time, 25 unless set. A failure names its seed, which becomes a line of <see cref="FormerFailures"/>.</remarks>
public sealed class RandomRuns
{
    /// <summary>However slow the machine, so many are run; the faults below are then met many times.</summary>
    private const ulong SeedsMin = 120;

    private static readonly double Seconds =
        double.TryParse(Environment.GetEnvironmentVariable("QUORATE_SIM_SECONDS"), CultureInfo.InvariantCulture, out var n) ? n : 25;

    [Fact]
    public void A_cluster_keeps_its_promises_under_any_seed_and_every_fault_is_met()
    {
        var counts = new SortedDictionary<string, long>(StringComparer.Ordinal);
        var clock = Stopwatch.StartNew();
        var (seed, simulated) = (1UL, 0.0);
        for (; seed <= SeedsMin || clock.Elapsed.TotalSeconds < Seconds; seed++)
        {
            var report = Simulator.Run(seed);
            simulated += report.SimulatedSeconds;
            foreach (var (what, count) in report.Counts)
                counts[what] = counts.GetValueOrDefault(what) + count;
        }

        TestContext.Current.TestOutputHelper?.WriteLine($"{seed - 1} seeds, {simulated / clock.Elapsed.TotalSeconds:0} simulated seconds a second");
        foreach (var (what, count) in counts)
            TestContext.Current.TestOutputHelper?.WriteLine($"{count,9}  {what}");
        foreach (var mark in Marks)
            Assert.True(counts.GetValueOrDefault(mark) > 0, $"no run met \"{mark}\": what is not met is not tested");
    }

    private static readonly string[] Marks =
    [
        "BecameLeader", "Truncated", "LeaderLost", "QuorumLost", "DiskStalled", "FollowerDiverges", "ReadConfirmed",
        "Committed", "Granted", "Rejected", "Indeterminate", "rejected Superseded", "rejected Busy", "rejected NoLeader", "inbox full",
        "message lost", "message repeated", "message long after", "message cut off",
        "power cut", "end in the middle of a turn", "end in the middle of a disk call", "torn tail cut", "flush failed", "disk full", "entries read back",
        "fault: kill", "fault: power cut", "fault: partition", "fault: clogged link", "fault: false alarm", "fault: flush failure", "fault: full disk",
        "fault: stalled thread", "fault: pause",
    ];
}
