namespace Quorate.Verification.Tests.Seeds;

/// <summary>Seeds whose members have leader leases, by which the clients read.</summary>
public sealed class LeaseSeedTests
{
    [Fact]
    public void Reads_by_lease_are_linearizable_while_clocks_keep_within_the_bounds()
    {
        var reads = 0L;
        for (var seed = 1UL; seed <= 40; seed++)
        {
            var report = KvSimulation.Run(seed, new RunOptions { Leases = LeaseSimulation.WithinBounds });
            reads += report.Counts.GetValueOrDefault("lease reads");
        }

        Assert.InRange(reads, 1_000, long.MaxValue);
    }

    /// <summary>
    /// The flush of the marker of a quarantine failed, and the member started again: the simulator took every later entry for not flushed.
    /// </summary>
    [Theory]
    [InlineData(3736)]
    [InlineData(8205)]
    public void An_unflushed_marker_does_not_make_the_log_unflushed(ulong seed) =>
        KvSimulation.Run(seed, new RunOptions { Leases = LeaseSimulation.WithinBounds });

    [Theory]
    [InlineData("--leases", LeaseSimulation.WithinBounds)]
    [InlineData("--leases-beyond-bounds", LeaseSimulation.BeyondBounds)]
    public void The_command_line_names_the_leases(string argument, LeaseSimulation mode)
    {
        var arguments = new Queue<string>([argument]);
        Assert.True(SimulatorCommandLine.TryParseNext(new SimulatorCommandLine { Seed = 7 }, arguments, out var command));

        Assert.Equal(mode, command.Options.Leases);
        Assert.Equal($"--seed 7 {argument}", command.Arguments);
    }
}
