using System.Globalization;
using Quorate.Verification.Shrinking;
using Quorate.Verification.Simulation;
using Quorate.Verification.Simulation.Store;
using Quorate.Verification.Simulation.Workload;

namespace Quorate.Verification;

/// <summary>
/// Simulates Quorate's own state machine, the key-value store together with an append-only list, through <see cref="ClusterSimulation"/>.
/// </summary>
/// <remarks>docs/testing/simulator.md describes what is simulated, what is checked, and how to read a failure.</remarks>
public static class KvSimulation
{
    /// <summary>Runs one seed.</summary>
    /// <param name="seed">Determines the whole run.</param>
    /// <param name="options">Tracing, reduction and additional checks; null: none.</param>
    /// <exception cref="SimulationFailedException">A property is violated.</exception>
    public static SimulationReport Run(ulong seed, RunOptions? options = null)
    {
        var swarm = SwarmOptions.Draw(seed, FaultSet.All);
        if (options?.Leases == LeaseSimulation.BeyondBounds)
            swarm = swarm.WithDrift(SimulatedLeases.DriftPerMilleBeyondBounds);
        if (options is { ChangesMembers: true, Refine: false })
            swarm = swarm.WithMemberChanges(seed);
        var application = new SimulatedApplication<StoreStateMachine, StoreResult>(
            seed,
            static () => new StoreStateMachine(),
            new StoreWorkload(swarm).Run,
            StoreWorkload.Checks,
            static (seed, options) => SimulatorCommandLine.For(seed, options).ToString());
        if (swarm.HasTimedLeases)
            SimulatedLeaseReaper.AddTo(application);
        return ClusterSimulation.Run(seed, swarm, application, options);
    }
}

/// <summary>Options of one simulation run: what is recorded, what is left out of it, and which optional checks run.</summary>
public sealed record RunOptions
{
    /// <summary>Receives each event as a line of text when it occurs; null: no text is produced.</summary>
    public Action<string>? OnEvent { get; init; }

    /// <summary>Receives each step of each core as a line of JSON (docs/formats/trace.md); null: no trace is written.</summary>
    public Stream? Trace { get; init; }

    /// <summary>Which parts of the seed's run are left out.</summary>
    public RunReduction Reduction { get; init; } = RunReduction.None;

    /// <summary>
    /// Checks that each step of each core is a step of the specification (docs/testing/specification.md). It costs about as much as the run
    /// itself.
    /// </summary>
    public bool Refine { get; init; }

    /// <summary>Whether the members have leader leases, by which clients then read, and whether clocks keep within bounds.</summary>
    public LeaseSimulation Leases { get; init; }

    /// <summary>
    /// Whether members are added, promoted, demoted and removed, and leadership is transferred on request. Not together with
    /// <see cref="Refine"/>: the executable specification has fixed members.
    /// </summary>
    public bool ChangesMembers { get; init; }

    /// <summary>Records the events of this run, or holds those of another run of the seed, which this run must repeat.</summary>
    public DeterminismRecord? DeterminismRecord { get; init; }
}

/// <summary>Result of a run without violations.</summary>
/// <param name="Seed">The seed of the run.</param>
/// <param name="Members">Number of cluster members.</param>
/// <param name="SimulatedSeconds">Virtual duration of the run in seconds.</param>
/// <param name="Events">Number of simulated events.</param>
/// <param name="TraceHash">Hash over all events; equal for two runs that did the same.</param>
/// <param name="Counts">How often each counted event occurred: fault injections, outcomes, role changes, coverage marks.</param>
public sealed record SimulationReport(
    ulong Seed, int Members, double SimulatedSeconds, long Events, ulong TraceHash, IReadOnlyDictionary<string, long> Counts);

/// <summary>A simulation run violated a property. The message names the seed and the command that reproduces the failure.</summary>
public sealed class SimulationFailedException : Exception
{
    /// <summary>Creates the exception.</summary>
    public SimulationFailedException()
    {
    }

    /// <summary>Creates the exception with a message.</summary>
    public SimulationFailedException(string message)
        : base(message)
    {
    }

    /// <summary>Creates the exception with a message and an inner exception.</summary>
    public SimulationFailedException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    internal SimulationFailedException(ulong seed, Exception cause, SimulatedCluster cluster, string reproCommand)
        : base(Describe(seed, cause, cluster, reproCommand), cause)
    {
        Seed = seed;
        Violation = Unwrap(cause).Message;
        Property = Unwrap(cause) is ViolationException violation ? violation.Property : Violation;
        Reduction = cluster.Options.Reduction;
        ReproCommand = reproCommand;
        IsInLivenessPhase = cluster.IsInLivenessPhase;
        At = cluster.Time.Now;
        FaultPhaseDuration = cluster.Swarm.FaultPhaseDuration;
        (FaultInjections, ClientIterations) = (cluster.ReplayPlan.FaultInjections, cluster.ReplayPlan.ClientIterations);
        Size = new RunSize(
            cluster.Swarm.MemberCount,
            ClientIterations.Select(static iteration => iteration.Client).Distinct().Count(),
            ClientIterations.Count,
            FaultInjections.Count,
            At / 1e6,
            cluster.Time.Events);
    }

    /// <summary>The seed of the run.</summary>
    public ulong Seed { get; }

    /// <summary>The violation in one line: the property and the details.</summary>
    public string Violation { get; } = "";

    /// <summary>The name of the violated property, without the details.</summary>
    public string Property { get; } = "";

    /// <summary>The command, or the instruction, that reproduces the failure.</summary>
    public string ReproCommand { get; } = "";

    /// <summary>The size of the run: how much a reader has to go through.</summary>
    public RunSize Size { get; } = new(0, 0, 0, 0, 0, 0);

    /// <summary>Which parts of the seed's run were left out.</summary>
    public RunReduction Reduction { get; } = RunReduction.None;

    /// <summary>The fault injections that took place, by name.</summary>
    internal IReadOnlyList<string> FaultInjections { get; } = [];

    /// <summary>The client iterations that took place.</summary>
    internal IReadOnlyList<ClientIteration> ClientIterations { get; } = [];

    /// <summary>Whether the run failed in the liveness phase.</summary>
    internal bool IsInLivenessPhase { get; }

    /// <summary>Virtual time of the failure, in microseconds.</summary>
    internal long At { get; }

    /// <summary>Duration of the fault phase, in microseconds.</summary>
    internal long FaultPhaseDuration { get; }

    private static string Describe(ulong seed, Exception cause, SimulatedCluster cluster, string reproCommand) =>
        string.Create(CultureInfo.InvariantCulture, $"""
            seed {seed} at commit {SourceRevision.Commit}, after {cluster.Time.Now / 1e6} s: {Unwrap(cause).Message}
            {cluster.ReplayPlan.FaultInjections.Count} fault injections, {cluster.ReplayPlan.ClientIterations.Count} client iterations
            reproduce with: {reproCommand}
            {cluster.EventLog}
            {cluster}
            {Unwrap(cause)}
            """);

    /// <summary>Returns the state machine's own exception, which the applier wraps.</summary>
    private static Exception Unwrap(Exception exception) =>
        exception is Node.StateMachineException { InnerException: { } inner } ? inner : exception;
}
