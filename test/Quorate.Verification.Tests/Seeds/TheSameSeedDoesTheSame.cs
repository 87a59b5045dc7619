using Quorate.Verification.Simulation;

namespace Quorate.Verification.Tests.Seeds;

/// <summary>A failure that cannot be shown again cannot be understood: nothing but the seed decides.</summary>
public sealed class TheSameSeedDoesTheSame
{
    [Theory]
    [InlineData(2UL)]
    [InlineData(37UL)]
    [InlineData(85UL)]
    public void Two_runs_of_a_seed_have_the_same_trace(ulong seed)
    {
        var first = Simulator.Run(seed);
        var second = Simulator.RunTwice(seed);

        Assert.Equal(first.TraceHash, second.TraceHash);
        Assert.Equal(first.Events, second.Events);
        Assert.Equal(first.Counts, second.Counts);
    }

    [Fact]
    public void Two_seeds_have_different_traces() => Assert.NotEqual(Simulator.Run(1).TraceHash, Simulator.Run(2).TraceHash);

    /// <summary>A hash that differs at the end says only that something is wrong. The record says what it was, and where.</summary>
    [Fact]
    public void A_second_run_that_does_something_else_is_stopped_at_the_first_thing_that_differs()
    {
        var record = new RunRecord();
        Play(record, "leader 1", "kill 2", "leader 3");
        record.BeginSecondRun();

        var violation = Assert.Throws<ViolationException>(() => Play(record, "leader 1", "kill 3", "leader 3"));

        Assert.Equal("SameSeedSameRun", violation.Promise);
        Assert.Contains("after 1 of 3 things", violation.Message, StringComparison.Ordinal);
        Assert.Contains("> kill 2", violation.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_second_run_that_ends_too_early_or_too_late_is_not_the_same()
    {
        foreach (var second in new string[][] { ["leader 1"], ["leader 1", "kill 2", "kill 3"] })
        {
            var record = new RunRecord();
            Play(record, "leader 1", "kill 2");
            record.BeginSecondRun();
            Assert.Throws<ViolationException>(() => Play(record, second));
        }
    }

    private static void Play(RunRecord record, params string[] lines)
    {
        foreach (var line in lines)
        {
            record.Happened((ulong)line.Sum(static c => c), now: 0);
            record.Told(() => line);
        }

        record.EndSecondRun(now: 0);
    }
}
