using System.Globalization;
using Quorate.Verification.Shrinking;
using Quorate.Verification.Simulation;
using Quorate.Verification.Simulation.Store;
using Quorate.Verification.Simulation.Workload;

namespace Quorate.Verification;

/// <summary>Runs our own machine, the key-value store beside a list, through <see cref="ClusterSimulation"/>.</summary>
/// <remarks>docs/testing.md says what is simulated, what is checked, and how to read a failure.</remarks>
public static class KvSimulation
{
    /// <summary>Runs one seed.</summary>
    /// <param name="seed">It decides everything.</param>
    /// <param name="options">Who watches; null: nobody.</param>
    /// <exception cref="SimulationFailedException">Something that was promised is not so.</exception>
    public static SimulationReport Run(ulong seed, RunOptions? options = null)
    {
        var weather = SwarmOptions.Draw(seed, FaultSet.All);
        var application = new Application<StoreStateMachine, StoreResult>(
            seed,
            static () => new StoreStateMachine(),
            new StoreWorkload(weather).Run,
            StoreWorkload.Checks,
            static (seed, options) => SimulatorCommand.For(seed, options).ToString());
        return ClusterSimulation.Run(seed, weather, application, options);
    }
}

/// <summary>How a run is watched.</summary>
public sealed record RunOptions
{
    /// <summary>Told each thing that happens, as it happens.</summary>
    public Action<string>? OnEvent { get; init; }

    /// <summary>Where each step of each core is written as a line of JSON: docs/formats/trace.md.</summary>
    public Stream? Trace { get; init; }

    /// <summary>What is left of the run.</summary>
    public Reduction Reduction { get; init; } = Reduction.None;

    /// <summary>Whether each step of each core must be a step of the specification: docs/testing.md. It costs about as much as the run itself.</summary>
    public bool Refine { get; init; }

    /// <summary>Takes down what the run does; or what another run of the seed did, which this one must do as well.</summary>
    public DeterminismRecord? DeterminismRecord { get; init; }
}

/// <summary>What came of a run that found nothing.</summary>
/// <param name="Seed">What decided it.</param>
/// <param name="Members">How many members the cluster had.</param>
/// <param name="SimulatedSeconds">How long it lived.</param>
/// <param name="Events">How much happened.</param>
/// <param name="TraceHash">Equal for two runs that did the same.</param>
/// <param name="Counts">How often each thing happened: faults, outcomes, changes of role.</param>
public sealed record SimulationReport(
    ulong Seed, int Members, double SimulatedSeconds, long Events, ulong TraceHash, IReadOnlyDictionary<string, long> Counts);

/// <summary>A run broke a promise. The text names the seed and the command that shows it again.</summary>
public sealed class SimulationFailedException : Exception
{
    /// <summary>Makes the exception.</summary>
    public SimulationFailedException()
    {
    }

    /// <summary>Makes the exception.</summary>
    public SimulationFailedException(string message)
        : base(message)
    {
    }

    /// <summary>Makes the exception.</summary>
    public SimulationFailedException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    internal SimulationFailedException(ulong seed, Exception cause, Cluster cluster, string reproCommand)
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
        Size = new RunSize(cluster.Swarm.MemberCount, ClientIterations.Select(static t => t.Client).Distinct().Count(), ClientIterations.Count, FaultInjections.Count, At / 1e6, cluster.Time.Events);
    }

    /// <summary>The seed.</summary>
    public ulong Seed { get; }

    /// <summary>What was broken, in a line.</summary>
    public string Violation { get; } = "";

    /// <summary>Which promise was broken, without the circumstances.</summary>
    public string Property { get; } = "";

    /// <summary>What shows it again.</summary>
    public string ReproCommand { get; } = "";

    /// <summary>How much there is to read in the run.</summary>
    public RunSize Size { get; } = new(0, 0, 0, 0, 0, 0);

    /// <summary>What of the seed's run was left.</summary>
    public Reduction Reduction { get; } = Reduction.None;

    /// <summary>The strikes of faults that happened.</summary>
    internal IReadOnlyList<string> FaultInjections { get; } = [];

    /// <summary>The turns that clients took.</summary>
    internal IReadOnlyList<ClientIteration> ClientIterations { get; } = [];

    /// <summary>It failed in the quiet phase.</summary>
    internal bool IsInLivenessPhase { get; }

    /// <summary>When it failed.</summary>
    internal long At { get; }

    /// <summary>How long the life with faults was.</summary>
    internal long FaultPhaseDuration { get; }

    private static string Describe(ulong seed, Exception cause, Cluster cluster, string reproCommand) =>
        string.Create(CultureInfo.InvariantCulture, $"""
            seed {seed} at commit {SourceRevision.Commit}, after {cluster.Time.Now / 1e6} s: {Unwrap(cause).Message}
            {cluster.ReplayPlan.FaultInjections.Count} strikes of faults, {cluster.ReplayPlan.ClientIterations.Count} turns of clients
            again: {reproCommand}
            {cluster.EventLog}
            {cluster}
            {Unwrap(cause)}
            """);

    /// <summary>The applier wraps what the state machine threw.</summary>
    private static Exception Unwrap(Exception exception) => exception is Node.StateMachineException { InnerException: { } inner } ? inner : exception;
}
