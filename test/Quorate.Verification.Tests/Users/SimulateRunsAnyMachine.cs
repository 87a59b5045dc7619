using System.Diagnostics.CodeAnalysis;

namespace Quorate.Verification.Tests.Users;

/// <summary>What <see cref="ClusterSimulation"/> promises to those who bring a machine of their own.</summary>
public sealed class SimulateRunsAnyMachine
{
    private static readonly SimulationChecks<Accounts, bool> NoMoneyIsMade = new()
    {
        State = static accounts => accounts.Balances,
        FinalState = static accounts => accounts.Balances,
        Invariant = static accounts => Assert.Equal(300, accounts.Balances.Sum()),
    };

    [Theory]
    [InlineData(1UL)]
    [InlineData(2UL)]
    [InlineData(3UL)]
    [InlineData(4UL)]
    public void A_machine_without_a_mistake_passes_with_all_faults(ulong seed)
    {
        var report = Run(seed, null);

        Assert.True(report.Counts["Committed"] > 0 && report.Counts["Granted"] > 0);
    }

    [Fact]
    public void The_same_seed_does_the_same() => Assert.Equal(Run(3, null).TraceHash, Run(3, null).TraceHash);

    [Fact]
    public void Without_faults_there_are_none()
    {
        var counts = Run(1, FaultSet.None).Counts;

        Assert.DoesNotContain(counts.Keys, static what => what.StartsWith("fault:", StringComparison.Ordinal) || what.StartsWith("message ", StringComparison.Ordinal));
    }

    [Fact]
    public void Only_the_faults_that_were_chosen_exist()
    {
        var faults = new HashSet<string>(StringComparer.Ordinal);
        for (var seed = 1UL; seed <= 8; seed++)
            faults.UnionWith(Run(seed, FaultSet.Only("kill", "partition")).Counts.Keys.Where(static what => what.StartsWith("fault:", StringComparison.Ordinal)));

        Assert.Equal(["fault: kill", "fault: partition"], faults.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void A_fault_that_does_not_exist_is_not_accepted()
    {
        var refused = Assert.Throws<ArgumentException>(static () => FaultSet.Except("earthquake"));

        Assert.StartsWith("there is no fault \"earthquake\"; there are kill, power cut, ", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Members_that_answer_differently_are_caught()
    {
        var made = 0;

        var failure = Fails(() => ClusterSimulation.Run<AccountsThatDiffer, bool>(2, () => new AccountsThatDiffer(made++), Accounts.MoveAndLook, FaultSet.None));

        Assert.StartsWith("EqualResults: operation ", failure.Violation, StringComparison.Ordinal);
    }

    /// <summary>The members agree with each other; the one that is fed the log alone does not agree with them.</summary>
    [Fact]
    public void Answers_that_no_machine_alone_would_give_are_caught()
    {
        AccountsThatForget.Made = 0;

        var failure = Fails(() => ClusterSimulation.Run<AccountsThatForget, bool>(
            1, () => new AccountsThatForget(), Accounts.MoveAndLook, FaultSet.None, new() { ResultsEqual = static (a, b) => a == b }));

        Assert.StartsWith("Linearizable: move ", failure.Violation, StringComparison.Ordinal);
        Assert.Contains("the answer is", failure.Violation, StringComparison.Ordinal);
    }

    [Fact]
    public void A_broken_invariant_of_the_machine_ends_the_run()
    {
        var failure = Fails(() => ClusterSimulation.Run<Accounts, bool>(
            1, () => new Accounts(), Accounts.MoveAndLook, checks: new() { Invariant = static a => Assert.True(a.Balances.Min() > 20, "nobody is poor") }));

        Assert.Equal("nobody is poor", failure.Violation);
    }

    [Fact]
    public void What_a_workload_throws_ends_the_run()
    {
        var failure = Fails(() => ClusterSimulation.Run<Accounts, bool>(1, () => new Accounts(), static async client =>
        {
            await client.ReadAsync(static a => a.Balances.Count);
            throw new InvalidOperationException("not as I thought");
        }));

        Assert.Equal("not as I thought", failure.Violation);
    }

    /// <summary>A delay passes in the world's time, of which the simulator knows nothing: the client would be gone for good.</summary>
    [Fact]
    [SuppressMessage("Reliability", "CA2016", Justification = "it must not be awaited at all")]
    public void A_workload_that_awaits_the_world_is_told_so()
    {
        var failure = Fails(() => ClusterSimulation.Run<Accounts, bool>(1, () => new Accounts(), static _ => Task.Delay(1_000_000)));

        Assert.StartsWith("the workload awaits something that is not its client's", failure.Violation, StringComparison.Ordinal);
    }

    [Fact]
    public void A_failure_says_how_to_see_it_again_and_the_context_is_as_it_was()
    {
        var context = SynchronizationContext.Current;

        var failure = Fails(() => ClusterSimulation.Run<Accounts, bool>(9, () => new Accounts(), static _ => throw new InvalidOperationException("at once")));

        Assert.Contains("again: QUORATE_SEED=9, and the same test again", failure.Message, StringComparison.Ordinal);
        Assert.Equal(9UL, failure.Seed);
        Assert.Same(context, SynchronizationContext.Current);
    }

    private static SimulationReport Run(ulong seed, FaultSet? faults) => ClusterSimulation.Run(seed, static () => new Accounts(), Accounts.MoveAndLook, faults, NoMoneyIsMade);

    private static SimulationFailedException Fails(Action run) => Assert.Throws<SimulationFailedException>(run);
}
