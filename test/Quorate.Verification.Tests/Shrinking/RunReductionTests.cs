using Quorate.Verification.Shrinking;

namespace Quorate.Verification.Tests.Shrinking;

/// <summary>A run can be shrunk only if removing one fault or client iteration leaves the others where they were.</summary>
public sealed class RunReductionTests
{
    private const ulong Seed = 7;

    /// <summary>A reduction that lists every fault injection and client iteration of a run is the same run.</summary>
    [Fact]
    public void A_replay_of_every_decision_is_the_same_run()
    {
        var (whole, iterations, injections) = RunAndRecord(RunReduction.None);

        var (again, _, _) = RunAndRecord(new RunReduction { FaultInjections = injections, ClientIterations = iterations });

        Assert.Equal(whole, again);
    }

    /// <summary>Nothing before the removed fault injection changes, and the other faults keep their times.</summary>
    [Fact]
    public void Removing_one_fault_keeps_the_times_of_the_others()
    {
        var (whole, _, injections) = RunAndRecord(RunReduction.None);
        var removed = injections.First(static s => s.StartsWith("kill.", StringComparison.Ordinal));

        var (reduced, _, remaining) = RunAndRecord(new RunReduction { FaultInjections = [.. injections.Where(s => s != removed)] });

        Assert.Equal(injections.Where(s => s != removed), remaining);
        var same = whole.Zip(reduced).TakeWhile(static pair => pair.First == pair.Second).Count();
        Assert.InRange(same, 10, whole.Count - 10);
    }

    [Fact]
    public void A_reduction_round_trips_through_its_arguments()
    {
        var reduction = new RunReduction
        {
            Members = 3,
            FaultPhaseDuration = 8_000_000,
            Until = 1_234_567,
            DisabledFaults = ["loss", "slow-disks"],
            FaultInjections = ["power-cut.3", "kill.1"],
            ClientIterations = [new ClientIteration(0, 3, 120_000), new ClientIteration(11, 0, 7)],
        };

        Assert.Equal(reduction.ToString(), Parse(reduction.ToString()).ToString());
        Assert.Equal("--injections - --iterations -", Parse("--injections - --iterations -").ToString());
        Assert.Equal("", RunReduction.None.ToString());
    }

    private static RunReduction Parse(string arguments)
    {
        var reduction = RunReduction.None;
        var words = arguments.Split(' ');
        for (var i = 0; i < words.Length; i += 2)
            Assert.True(RunReduction.TryApply(reduction, words[i], words[i + 1], out reduction));
        return reduction;
    }

    /// <summary>The event lines, client iterations and fault injections of a run, which a deliberate violation ends halfway.</summary>
    private static (List<string> Lines, IReadOnlyList<ClientIteration> Iterations, IReadOnlyList<string> Injections) RunAndRecord(
        RunReduction reduction)
    {
        var lines = new List<string>();
        var failure = Assert.Throws<SimulationFailedException>(() => KvSimulation.Run(Seed, new RunOptions
        {
            Reduction = reduction,
            OnEvent = line =>
            {
                lines.Add(line);
                if (line.Contains("  -  quiet", StringComparison.Ordinal))
                    throw new InvalidOperationException("end of the fault phase");
            },
        }));
        return (lines, failure.ClientIterations, failure.FaultInjections);
    }
}
