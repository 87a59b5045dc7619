using Quorate.Raft;
using Quorate.Verification.Simulation;
using Quorate.Verification.Simulation.Workload;

namespace Quorate.Verification;

/// <summary>
/// Runs a state machine in a cluster under one seed, on one thread, in virtual time. Everything is the production code except network,
/// disks, clocks and threads, which are simulated.
/// </summary>
/// <remarks>
/// The same seed gives the same run on every computer, provided that state machine and workload are deterministic. README.md of this
/// project has an example, step by step.
/// </remarks>
public static class ClusterSimulation
{
    /// <summary>
    /// Runs one seed: a fault phase, then a liveness phase in which the cluster must recover, then the checks of all results that clients
    /// received.
    /// </summary>
    /// <param name="seed">Determines the whole run.</param>
    /// <param name="stateMachineFactory">Creates an empty state machine; it is called once for each process of each member.</param>
    /// <param name="workload">
    /// One client iteration; each client repeats it, and several clients run it concurrently. Most commands and reads succeed, and none is
    /// required to. Some iterations must propose a command, or the cluster cannot show that it has recovered.
    /// </param>
    /// <param name="faults">The faults that may occur; null: all.</param>
    /// <param name="checks">Additional checks of the state machine; null: only those that apply to every state machine.</param>
    /// <param name="options">Tracing and reduction of the run; null: none.</param>
    /// <exception cref="SimulationFailedException">
    /// A property is violated. The message names the property, the events that led to the violation, and the command that reproduces it.
    /// </exception>
    public static SimulationReport Run<TStateMachine, TResult>(
        ulong seed,
        Func<TStateMachine> stateMachineFactory,
        Func<VirtualClient<TStateMachine, TResult>, Task> workload,
        FaultSet? faults = null,
        SimulationChecks<TStateMachine, TResult>? checks = null,
        RunOptions? options = null)
        where TStateMachine : IStateMachine<TResult>
    {
        ArgumentNullException.ThrowIfNull(stateMachineFactory);
        ArgumentNullException.ThrowIfNull(workload);
        var swarm = SwarmOptions.Draw(seed, faults ?? FaultSet.All);
        var application = new SimulatedApplication<TStateMachine, TResult>(
            seed, stateMachineFactory, workload, checks ?? new(), static (seed, _) => $"set {SeedVariable}={seed} and run the same test");
        return Run(seed, swarm, application, options);
    }

    /// <summary>The environment variable that selects a single seed.</summary>
    public const string SeedVariable = "QUORATE_SEED";

    /// <summary>The seeds that a test runs: 1, 2, 3, …, or only the seed in QUORATE_SEED, which reproduces a failure.</summary>
    public static IEnumerable<ulong> Seeds(int count) =>
        ulong.TryParse(Environment.GetEnvironmentVariable(SeedVariable), out var only)
            ? [only]
            : Enumerable.Range(1, count).Select(static n => (ulong)n);

    internal static SimulationReport Run(ulong seed, SwarmOptions swarm, ISimulatedApplication application, RunOptions? options)
    {
        options ??= new RunOptions();

        // Continuations of a workload must run immediately on this thread. A test framework's synchronization context would run them at
        // another time, on another thread.
        var context = SynchronizationContext.Current;
        SynchronizationContext.SetSynchronizationContext(null);
        using var cluster = new SimulatedCluster(seed, swarm.Without(options.Reduction), application, options);
        try
        {
            cluster.RunFaultPhase();
            if (options.Reduction.Until is null)
                new LivenessPhase(cluster, seed).Run();
            application.CheckHistory(cluster.Counters);
            options.DeterminismRecord?.FinishSecondRun(cluster.Time.Now);
        }
        catch (Exception exception)
        {
            throw new SimulationFailedException(seed, exception, cluster, application.ReproCommand(seed, options));
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(context);
        }

        return new SimulationReport(
            seed,
            cluster.Swarm.MemberCount,
            cluster.Time.Now / (double)VirtualTime.Second,
            cluster.Time.Events,
            cluster.EventLog.Hash,
            cluster.Counters.Counts);
    }
}
