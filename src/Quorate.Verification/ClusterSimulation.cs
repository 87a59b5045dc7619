using Quorate.Raft;
using Quorate.Verification.Simulation;
using Quorate.Verification.Simulation.Workload;

namespace Quorate.Verification;

/// <summary>Runs a state machine in a whole cluster, real but for its network, disks, clocks and threads, under one seed, on one thread, in virtual time.</summary>
/// <remarks>The same seed does the same on any machine, as long as state machine and workload do. The room's README shows it step by step.</remarks>
public static class ClusterSimulation
{
    /// <summary>Runs one seed: a life with faults, then a quiet phase in which the cluster must recover, and then everything that was answered is checked.</summary>
    /// <param name="seed">It decides everything.</param>
    /// <param name="stateMachineFactory">Makes a machine, empty: each process of each member has its own.</param>
    /// <param name="workload">
    /// What a client does, again and again; several clients do it at the same time. Most commands and reads succeed, and none need to. Now and then it must propose something, or the
    /// cluster cannot show that it has recovered.
    /// </param>
    /// <param name="faults">Which faults may exist; null: all.</param>
    /// <param name="checks">What must be so of the machine; null: what must be so of any.</param>
    /// <param name="options">Who watches; null: nobody.</param>
    /// <exception cref="SimulationFailedException">Something that was promised is not so; the text says what, how it came about, and how to see it again.</exception>
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
        var weather = SwarmOptions.Draw(seed, faults ?? FaultSet.All);
        var application = new Application<TStateMachine, TResult>(seed, stateMachineFactory, workload, checks ?? new(), static (seed, _) => $"{SeedVariable}={seed}, and the same test again");
        return Run(seed, weather, application, options);
    }

    /// <summary>The environment variable that names the one seed to run.</summary>
    public const string SeedVariable = "QUORATE_SEED";

    /// <summary>The seeds a test runs: 1, 2, 3 and on, or only the one that QUORATE_SEED names, which is how a failure is seen again.</summary>
    public static IEnumerable<ulong> Seeds(int count) =>
        ulong.TryParse(Environment.GetEnvironmentVariable(SeedVariable), out var only) ? [only] : Enumerable.Range(1, count).Select(static n => (ulong)n);

    internal static SimulationReport Run(ulong seed, SwarmOptions weather, IApplication application, RunOptions? options)
    {
        options ??= new RunOptions();

        // Whoever awaits an answer goes on at once, on this thread: a test framework's own context would have it go on at some other moment, on another.
        var context = SynchronizationContext.Current;
        SynchronizationContext.SetSynchronizationContext(null);
        using var cluster = new Cluster(seed, weather.Without(options.Reduction), application, options);
        try
        {
            cluster.RunFaultPhase();
            if (options.Reduction.Until is null)
                new LivenessPhase(cluster, seed).Run();
            application.CheckHistory(cluster.Counters);
            options.DeterminismRecord?.FinishSecondRun(cluster.Time.Now);
        }
        catch (Exception fault)
        {
            throw new SimulationFailedException(seed, fault, cluster, application.ReproCommand(seed, options));
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(context);
        }

        return new SimulationReport(
            seed, cluster.Swarm.MemberCount, cluster.Time.Now / (double)VirtualTime.Second, cluster.Time.Events, cluster.EventLog.Hash, cluster.Counters.Counts);
    }
}
