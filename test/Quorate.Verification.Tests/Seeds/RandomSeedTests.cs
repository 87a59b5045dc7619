using System.Diagnostics;
using System.Globalization;

namespace Quorate.Verification.Tests.Seeds;

/// <summary>Whole clusters under seeds 1, 2, 3 and on, for as long as there is time: docs/testing.md has the long run.</summary>
/// <remarks>QUORATE_SIM_SECONDS is that time, 25 unless set. A failure names its seed, which becomes a line of <see cref="RegressionSeedTests"/>.</remarks>
public sealed class RandomSeedTests
{
    /// <summary>However slow the machine, so many are run; everything that <see cref="CoverageGoals"/> names is met in these.</summary>
    private const ulong SeedsMin = 120;

    /// <summary>Met once in a hundred runs or more seldom: the long run meets them.</summary>
    private static readonly string[] RareMarks = ["mark: ElectedInThePast", "mark: MachineFarBehind"];

    /// <summary>Of the runs so many are searched for an order to the end, and of those that are searched no more than so many end without an answer, of a hundred.</summary>
    private const int ConclusivePercentMin = 60;
    private const int UnknownPercentMax = 20;

    private static readonly double Seconds =
        double.TryParse(Environment.GetEnvironmentVariable("QUORATE_SIM_SECONDS"), CultureInfo.InvariantCulture, out var n) ? n : 25;

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
            foreach (var (what, count) in report.Counts)
                counts[what] = counts.GetValueOrDefault(what) + count;
            if (seed == SeedsMin)
                missing = [.. CoverageGoals.Missing(counts).Except(RareMarks)];
        }

        TestContext.Current.TestOutputHelper?.WriteLine($"{seed - 1} seeds, {simulated / clock.Elapsed.TotalSeconds:0} simulated seconds a second");
        foreach (var (what, count) in counts)
            TestContext.Current.TestOutputHelper?.WriteLine($"{count,9}  {what}");
        var (runs, concluded, unknown) = ((long)seed - 1, counts["searched for an order: Linearizable"], counts.GetValueOrDefault("searched for an order: Unknown"));
        Assert.True(concluded * 100 >= runs * ConclusivePercentMin, $"an order was found for {concluded} of {runs} histories");
        Assert.True(unknown * 100 <= (concluded + unknown) * UnknownPercentMax, $"of {concluded + unknown} searches {unknown} came to no answer");
        Assert.True(missing.Count == 0, $"the first {SeedsMin} seeds never met {string.Join(", ", missing)}: what is not met is not tested");
    }
}
