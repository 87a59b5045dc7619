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
        var second = Simulator.Run(seed);

        Assert.Equal(first.TraceHash, second.TraceHash);
        Assert.Equal(first.Events, second.Events);
        Assert.Equal(first.Counts, second.Counts);
    }

    [Fact]
    public void Two_seeds_have_different_traces() => Assert.NotEqual(Simulator.Run(1).TraceHash, Simulator.Run(2).TraceHash);
}
