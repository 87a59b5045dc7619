using Quorate.Verification;

namespace CounterSimulation;

/// <summary>The counter of samples/Counter in a simulated cluster with lost messages, crashes, power cuts and slow disks.</summary>
/// <remarks>
/// A failure names its seed. <c>QUORATE_SEED=17 dotnet test --project samples/CounterSimulation</c> runs only that seed.
/// </remarks>
public sealed class CounterSimulationTests
{
    /// <summary>The workload of each client, which the simulator runs repeatedly: one addition and one read.</summary>
    private static async Task AddAndRead(VirtualClient<Counter, long> client)
    {
        var amount = client.Random.Next(1, 100);
        await client.ProposeAsync(Counter.Add(amount), $"add {amount}");
        await client.ReadAsync(counter => counter.Value, "read");
    }

    [Fact]
    public void The_counter_passes_with_all_faults()
    {
        foreach (var seed in ClusterSimulation.Seeds(20))
            ClusterSimulation.Run<Counter, long>(seed, () => new Counter(), AddAndRead, checks: new() { State = counter => counter.Value });
    }

    /// <summary>Every member applies the same command but reads its own clock, so their states differ.</summary>
    [Fact]
    public void A_counter_that_reads_the_wall_clock_is_detected()
    {
        var failure = Assert.Throws<SimulationFailedException>(() =>
            ClusterSimulation.Run(
                1,
                () => new WallClockCounter(),
                (VirtualClient<WallClockCounter, long> client) => AddAt(client),
                checks: new() { State = c => c.LastAdded }));

        Assert.StartsWith("EqualStates: after ", failure.Violation, StringComparison.Ordinal);
        Assert.Contains("reproduce with: set QUORATE_SEED=1", failure.Message, StringComparison.Ordinal);

        static Task AddAt(VirtualClient<WallClockCounter, long> client) => client.ProposeAsync(Counter.Add(client.Random.Next(1, 100)));
    }

    /// <summary>The proposer reads the clock and puts the time into the command, so all members apply the same time.</summary>
    [Fact]
    public void A_counter_with_timestamps_in_its_commands_passes()
    {
        foreach (var seed in ClusterSimulation.Seeds(5))
        {
            ClusterSimulation.Run(
                seed,
                () => new TimestampedCounter(),
                (VirtualClient<TimestampedCounter, long> client) => AddAt(client),
                checks: new() { State = c => c.LastAdded });
        }

        static Task AddAt(VirtualClient<TimestampedCounter, long> client)
        {
            var now = DateTime.UnixEpoch.AddSeconds(client.Random.Next(1_000_000));
            return client.ProposeAsync(TimestampedCounter.Add(client.Random.Next(1, 100), now));
        }
    }
}
