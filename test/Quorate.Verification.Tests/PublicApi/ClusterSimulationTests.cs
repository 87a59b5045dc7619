using System.Diagnostics.CodeAnalysis;

namespace Quorate.Verification.Tests.PublicApi;

/// <summary><see cref="ClusterSimulation"/> as a user runs it with their own state machine.</summary>
public sealed class ClusterSimulationTests
{
    private static readonly SimulationChecks<AccountsStateMachine, bool> TotalIsConserved = new()
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
    public void A_correct_state_machine_passes_with_all_faults(ulong seed)
    {
        var report = Run(seed, null);

        Assert.True(report.Counts["Committed"] > 0 && report.Counts["Granted"] > 0);
    }

    [Fact]
    public void A_seed_reproduces_the_same_trace() => Assert.Equal(Run(3, null).TraceHash, Run(3, null).TraceHash);

    [Fact]
    public void No_fault_is_injected_when_all_are_disabled()
    {
        var counts = Run(1, FaultSet.None).Counts;

        Assert.DoesNotContain(counts.Keys,
            static counter => counter.StartsWith("fault:", StringComparison.Ordinal)
            || counter.StartsWith("message ", StringComparison.Ordinal));
    }

    [Fact]
    public void Only_the_chosen_faults_are_injected()
    {
        var faults = new HashSet<string>(StringComparer.Ordinal);
        for (var seed = 1UL; seed <= 8; seed++)
            faults.UnionWith(
                Run(seed, FaultSet.Only("kill", "partition"))
                .Counts.Keys.Where(static counter => counter.StartsWith("fault:", StringComparison.Ordinal)));

        Assert.Equal(["fault: kill", "fault: partition"], faults.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void An_unknown_fault_name_is_rejected()
    {
        var error = Assert.Throws<ArgumentException>(static () => FaultSet.Except("earthquake"));

        Assert.StartsWith("there is no fault \"earthquake\"; the faults are kill, power cut, ", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Members_with_different_results_are_detected()
    {
        var instances = 0;

        var failure = RunToFailure(
            () => ClusterSimulation.Run<DivergingAccounts, bool>(2, () => new DivergingAccounts(instances++),
                AccountsStateMachine.MoveAndRead,
                FaultSet.None));

        Assert.StartsWith("EqualResults: operation ", failure.Violation, StringComparison.Ordinal);
    }

    /// <summary>The members agree with each other, but not with a state machine that replays the log sequentially.</summary>
    [Fact]
    public void Results_that_differ_from_a_sequential_replay_are_detected()
    {
        InstanceCountingAccounts.InstancesCreated = 0;

        var failure = RunToFailure(() => ClusterSimulation.Run<InstanceCountingAccounts, bool>(
            1, () => new InstanceCountingAccounts(), AccountsStateMachine.MoveAndRead, FaultSet.None,
            new() { ResultsEqual = static (a, b) => a == b }));

        Assert.StartsWith("Linearizable: move ", failure.Violation, StringComparison.Ordinal);
        Assert.Contains("the result is", failure.Violation, StringComparison.Ordinal);
    }

    [Fact]
    public void A_violated_state_machine_invariant_fails_the_run()
    {
        var failure = RunToFailure(() => ClusterSimulation.Run<AccountsStateMachine, bool>(
            3, () => new AccountsStateMachine(), AccountsStateMachine.MoveAndRead,
            checks: new() { Invariant = static a => Assert.True(a.Balances.Min() > 60, "a balance is too low") }));

        Assert.Equal("a balance is too low", failure.Violation);
    }

    [Fact]
    public void An_exception_of_the_workload_fails_the_run()
    {
        var failure =
            RunToFailure(() => ClusterSimulation.Run<AccountsStateMachine, bool>(1, () => new AccountsStateMachine(), static async client =>
        {
            await client.ReadAsync(static a => a.Balances.Count);
            throw new InvalidOperationException("unexpected count");
        }));

        Assert.Equal("unexpected count", failure.Violation);
    }

    /// <summary>A delay waits for real time, of which the simulator knows nothing, so the client would never continue.</summary>
    [Fact]
    [SuppressMessage("Reliability", "CA2016", Justification = "the test is about a task that is not the client's")]
    public void A_workload_that_awaits_real_time_fails_the_run()
    {
        var failure = RunToFailure(
            () => ClusterSimulation.Run<AccountsStateMachine, bool>(1, () => new AccountsStateMachine(),
                static _ => Task.Delay(1_000_000)));

        Assert.StartsWith("the workload awaits a task that is not its client's", failure.Violation, StringComparison.Ordinal);
    }

    [Fact]
    public void A_failed_run_restores_the_synchronization_context_and_names_its_seed()
    {
        var context = SynchronizationContext.Current;

        var failure = RunToFailure(
            () => ClusterSimulation.Run<AccountsStateMachine, bool>(9, () => new AccountsStateMachine(),
                static _ => throw new InvalidOperationException("at once")));

        Assert.Contains("reproduce with: set QUORATE_SEED=9 and run the same test", failure.Message, StringComparison.Ordinal);
        Assert.Equal(9UL, failure.Seed);
        Assert.Same(context, SynchronizationContext.Current);
    }

    private static SimulationReport Run(ulong seed, FaultSet? faults) =>
        ClusterSimulation.Run(seed, static () => new AccountsStateMachine(), AccountsStateMachine.MoveAndRead, faults, TotalIsConserved);

    private static SimulationFailedException RunToFailure(Action run) => Assert.Throws<SimulationFailedException>(run);
}
