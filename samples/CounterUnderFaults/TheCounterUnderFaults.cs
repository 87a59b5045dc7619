using Quorate.Verification;

namespace CounterUnderFaults;

/// <summary>The counter of samples/Counter in a whole cluster that loses messages, processes, power and patience.</summary>
/// <remarks>A failure names its seed. <c>QUORATE_SEED=17 dotnet test --project samples/CounterUnderFaults</c> runs only that one.</remarks>
public sealed class TheCounterUnderFaults
{
    /// <summary>What each client does, again and again: it adds something, and it reads.</summary>
    private static async Task AddAndRead(VirtualClient<Counter, long> client)
    {
        var amount = client.Random.Next(1, 100);
        await client.ProposeAsync(Counter.Add(amount), $"add {amount}");
        await client.ReadAsync(counter => counter.Value, "read");
    }

    [Fact]
    public void The_counter_keeps_its_promises_whatever_happens()
    {
        foreach (var seed in ClusterSimulation.Seeds(20))
            ClusterSimulation.Run<Counter, long>(seed, () => new Counter(), AddAndRead, checks: new() { State = counter => counter.Value });
    }

    /// <summary>Every member applies the same command, and each looks at its own clock.</summary>
    [Fact]
    public void A_counter_that_looks_at_its_clock_is_caught()
    {
        var failure = Assert.Throws<SimulationFailedException>(() =>
            ClusterSimulation.Run(1, () => new CounterWithAClock(), (VirtualClient<CounterWithAClock, long> client) => AddAt(client), checks: new() { State = c => c.LastAdded }));

        Assert.StartsWith("EqualStates: after ", failure.Violation, StringComparison.Ordinal);
        Assert.Contains("again: QUORATE_SEED=1", failure.Message, StringComparison.Ordinal);

        static Task AddAt(VirtualClient<CounterWithAClock, long> client) => client.ProposeAsync(Counter.Add(client.Random.Next(1, 100)));
    }

    /// <summary>The same with the time in the command: whoever proposes looks at a clock, and all members apply what it saw.</summary>
    [Fact]
    public void A_counter_that_is_told_the_time_is_not()
    {
        foreach (var seed in ClusterSimulation.Seeds(5))
        {
            ClusterSimulation.Run(seed, () => new CounterThatIsToldTheTime(), (VirtualClient<CounterThatIsToldTheTime, long> client) => AddAt(client), checks: new() { State = c => c.LastAdded });
        }

        static Task AddAt(VirtualClient<CounterThatIsToldTheTime, long> client) =>
            client.ProposeAsync(CounterThatIsToldTheTime.Add(client.Random.Next(1, 100), DateTime.UnixEpoch.AddSeconds(client.Random.Next(1_000_000))));
    }
}
