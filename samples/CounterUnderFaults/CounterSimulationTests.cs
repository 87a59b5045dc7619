using Quorate.Verification;

namespace CounterSimulation;

/// <summary>The counter of samples/Counter in a whole cluster that loses messages, processes, power and patience.</summary>
/// <remarks>A failure names its seed. <c>QUORATE_SEED=17 dotnet test --project samples/CounterUnderFaults</c> runs only that one.</remarks>
public sealed class CounterSimulationTests
{
    /// <summary>What each client does, again and again: it adds something, and it reads.</summary>
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

    /// <summary>Every member applies the same command, and each looks at its own clock.</summary>
    [Fact]
    public void A_counter_that_reads_the_wall_clock_is_detected()
    {
        var failure = Assert.Throws<SimulationFailedException>(() =>
            ClusterSimulation.Run(1, () => new WallClockCounter(), (VirtualClient<WallClockCounter, long> client) => AddAt(client), checks: new() { State = c => c.LastAdded }));

        Assert.StartsWith("EqualStates: after ", failure.Violation, StringComparison.Ordinal);
        Assert.Contains("again: QUORATE_SEED=1", failure.Message, StringComparison.Ordinal);

        static Task AddAt(VirtualClient<WallClockCounter, long> client) => client.ProposeAsync(Counter.Add(client.Random.Next(1, 100)));
    }

    /// <summary>The same with the time in the command: whoever proposes looks at a clock, and all members apply what it saw.</summary>
    [Fact]
    public void A_counter_with_timestamps_in_its_commands_passes()
    {
        foreach (var seed in ClusterSimulation.Seeds(5))
        {
            ClusterSimulation.Run(seed, () => new TimestampedCounter(), (VirtualClient<TimestampedCounter, long> client) => AddAt(client), checks: new() { State = c => c.LastAdded });
        }

        static Task AddAt(VirtualClient<TimestampedCounter, long> client) =>
            client.ProposeAsync(TimestampedCounter.Add(client.Random.Next(1, 100), DateTime.UnixEpoch.AddSeconds(client.Random.Next(1_000_000))));
    }
}
