using Quorate.Verification.Shrinking;

namespace Quorate.Verification.Tests.Shrinking;

/// <summary>A run can be made smaller only if taking one thing away leaves the others where they were.</summary>
public sealed class ReductionTests
{
    private const ulong Seed = 7;

    /// <summary>Everything said explicitly is the same run.</summary>
    [Fact]
    public void A_replay_of_every_decision_is_the_same_run()
    {
        var (whole, turns, strikes) = RunAndRecord(Reduction.None);

        var (again, _, _) = RunAndRecord(new Reduction { FaultInjections = strikes, ClientIterations = turns });

        Assert.Equal(whole, again);
    }

    /// <summary>Nothing before the strike that is left out is different, and the faults' moments stay as they were.</summary>
    [Fact]
    public void Removing_one_fault_keeps_the_times_of_the_others()
    {
        var (whole, _, strikes) = RunAndRecord(Reduction.None);
        var spared = strikes.First(static s => s.StartsWith("kill.", StringComparison.Ordinal));

        var (less, _, left) = RunAndRecord(new Reduction { FaultInjections = [.. strikes.Where(s => s != spared)] });

        Assert.Equal(strikes.Where(s => s != spared), left);
        var same = whole.Zip(less).TakeWhile(static pair => pair.First == pair.Second).Count();
        Assert.InRange(same, 10, whole.Count - 10);
    }

    [Fact]
    public void A_reduction_round_trips_through_its_arguments()
    {
        var reduction = new Reduction
        {
            Members = 3,
            FaultPhaseDuration = 8_000_000,
            Until = 1_234_567,
            DisabledFaults = ["loss", "slow-disks"],
            FaultInjections = ["power-cut.3", "kill.1"],
            ClientIterations = [new ClientIteration(0, 3, 120_000), new ClientIteration(11, 0, 7)],
        };

        Assert.Equal(reduction.ToString(), Parse(reduction.ToString()).ToString());
        Assert.Equal("--strikes - --turns -", Parse("--strikes - --turns -").ToString());
        Assert.Equal("", Reduction.None.ToString());
    }

    private static Reduction Parse(string arguments)
    {
        var reduction = Reduction.None;
        var words = arguments.Split(' ');
        for (var i = 0; i < words.Length; i += 2)
            Assert.True(Reduction.TryApply(reduction, words[i], words[i + 1], out reduction));
        return reduction;
    }

    /// <summary>The lines of a run, and what it decided; it is stopped in the middle, by a promise that is broken on purpose.</summary>
    private static (List<string> Lines, IReadOnlyList<ClientIteration> Turns, IReadOnlyList<string> Strikes) RunAndRecord(Reduction reduction)
    {
        var lines = new List<string>();
        var failure = Assert.Throws<SimulationFailedException>(() => KvSimulation.Run(Seed, new RunOptions
        {
            Reduction = reduction,
            OnEvent = line =>
            {
                lines.Add(line);
                if (line.Contains("  -  quiet", StringComparison.Ordinal))
                    throw new InvalidOperationException("far enough");
            },
        }));
        return (lines, failure.ClientIterations, failure.FaultInjections);
    }
}
