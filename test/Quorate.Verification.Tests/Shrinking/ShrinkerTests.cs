using Quorate.Verification.Shrinking;

namespace Quorate.Verification.Tests.Shrinking;

/// <summary>
/// A failing run is shrunk until everything left in it is needed for the failure. The failure here is artificial: a member leads again
/// after its process ended.
/// </summary>
public sealed class ShrinkerTests
{
    [Fact]
    public void The_shrinker_keeps_only_what_makes_the_run_fail()
    {
        var whole = Assert.Throws<SimulationFailedException>(() => Run(new RunOptions()));

        var shrunk = Shrinker.Shrink(whole, Run, runsMax: 400);

        Assert.Equal(whole.Property, shrunk.Failure.Property);
        Assert.Equal(1, shrunk.After.FaultInjections);
        Assert.Equal(0, shrunk.After.ClientIterations);
        Assert.True(shrunk.After.Events * 5 < shrunk.Before.Events, $"{shrunk.Before} became {shrunk.After}");

        // The shrunk run is deterministic like any other: the same arguments give the same result.
        var again = Assert.Throws<SimulationFailedException>(() => Run(new RunOptions { Reduction = shrunk.Failure.Reduction }));
        Assert.Equal((shrunk.Failure.Violation, shrunk.After), (again.Violation, again.Size));
    }

    /// <summary>Simulates seed 7 with an extra property: a member whose process ended never leads again.</summary>
    private static SimulationReport Run(RunOptions options)
    {
        var (led, ended) = (new HashSet<string>(), new HashSet<string>());
        return KvSimulation.Run(7, options with
        {
            OnEvent = line =>
            {
                var words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
                if (words[2] == "ends" && led.Contains(words[1]))
                    ended.Add(words[1]);
                if (words[2] == "BecameLeader" && !led.Add(words[1]) && ended.Contains(words[1]))
                    throw new InvalidOperationException("a member leads again after its process ended");
            },
        });
    }
}
