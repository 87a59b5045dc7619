using System.Diagnostics;
using System.Globalization;

namespace Quorate.Verification.Tests.Seeds;

/// <summary>Simulates seeds 1, 2, 3 and so on until a time limit (docs/testing/simulator.md describes longer runs).</summary>
/// <remarks>
/// QUORATE_SIM_SECONDS sets the limit; the default is 25 with full effort and otherwise zero, which leaves the minimum number of seeds. A
/// failure names its seed, which becomes a line of <see cref="RegressionSeedTests"/>.
/// </remarks>
public sealed class RandomSeedTests
{
    /// <summary>
    /// The minimum number of seeds, regardless of the time limit. They meet every goal of <see cref="CoverageGoals"/> except the rare
    /// marks.
    /// </summary>
    private const ulong SeedsMin = 160;

    /// <summary>Coverage marks that at most one run in a hundred reaches; longer runs check them.</summary>
    private static readonly string[] RareMarks =
    [
        "mark: ElectedInOldTerm", "mark: StateMachineFarBehind", "mark: StartRefusedOnCorruption", "mark: RepairedTwice",
        "mark: HardStateCopyReplaced",
    ];

    /// <summary>
    /// At least this percentage of the runs has a history with a linearization found by search; at most this percentage of the searches is
    /// inconclusive.
    /// </summary>
    private const int ConclusivePercentMin = 60;
    private const int UnknownPercentMax = 20;

    private static readonly double Seconds =
        double.TryParse(Environment.GetEnvironmentVariable("QUORATE_SIM_SECONDS"), CultureInfo.InvariantCulture, out var n)
            ? n
            : TestEffort.IsFull ? 25 : 0;

    [Fact]
    public void Random_seeds_pass_and_meet_every_coverage_goal()
    {
        var counts = new SortedDictionary<string, long>(StringComparer.Ordinal);
        var clock = Stopwatch.StartNew();
        var (seed, simulated) = (1UL, 0.0);
        IReadOnlyList<string> missing = [];
        for (; seed <= SeedsMin || clock.Elapsed.TotalSeconds < Seconds; seed++)
        {
            var report = KvSimulation.Run(seed);
            simulated += report.SimulatedSeconds;
            foreach (var (counter, count) in report.Counts)
                counts[counter] = counts.GetValueOrDefault(counter) + count;
            if (seed == SeedsMin)
                missing = [.. CoverageGoals.Missing(counts).Except(RareMarks)];
        }

        TestContext.Current.TestOutputHelper?.WriteLine(
            $"{seed - 1} seeds, {simulated / clock.Elapsed.TotalSeconds:0} simulated seconds per second");
        foreach (var (counter, count) in counts)
            TestContext.Current.TestOutputHelper?.WriteLine($"{count,9}  {counter}");
        var (runs, concluded, unknown) =
            ((long)seed - 1, counts["searched for an order: Linearizable"], counts.GetValueOrDefault("searched for an order: Unknown"));
        Assert.True(concluded * 100 >= runs * ConclusivePercentMin, $"a linearization was found for {concluded} of {runs} histories");
        Assert.True(unknown * 100 <= (concluded + unknown) * UnknownPercentMax,
            $"{unknown} of {concluded + unknown} searches were inconclusive");
        Assert.True(missing.Count == 0,
            $"the first {SeedsMin} seeds never met the coverage goals {string.Join(", ", missing)}: the runs did not test them");
    }
}
