using System.Globalization;
using Quorate.Verification.Shrinking;
using Quorate.Verification.Simulation;
using Quorate.Verification.Simulation.Store;
using Quorate.Verification.Simulation.Workload;

namespace Quorate.Verification;

/// <summary>Runs our own machine, the key-value store beside a list, through <see cref="Simulate"/>.</summary>
/// <remarks>docs/testing.md says what is simulated, what is checked, and how to read a failure.</remarks>
public static class Simulator
{
    /// <summary>Runs one seed.</summary>
    /// <param name="seed">It decides everything.</param>
    /// <param name="options">Who watches; null: nobody.</param>
    /// <exception cref="SimulationFailedException">Something that was promised is not so.</exception>
    public static SimulationReport Run(ulong seed, SimulationOptions? options = null)
    {
        var weather = Weather.Draw(seed, Faults.All);
        var application = new Application<StoreMachine, StoreResult>(
            seed,
            static () => new StoreMachine(),
            new StoreWorkload(weather).Run,
            StoreWorkload.Checks,
            static (seed, options) => SimulatorCommand.Of(seed, options).ToString());
        return Simulate.Run(seed, weather, application, options);
    }
}

/// <summary>How a run is watched.</summary>
public sealed record SimulationOptions
{
    /// <summary>Told each thing that happens, as it happens.</summary>
    public Action<string>? Tell { get; init; }

    /// <summary>Where each step of each core is written as a line of JSON: docs/formats/trace.md.</summary>
    public Stream? Trace { get; init; }

    /// <summary>What is left of the run.</summary>
    public Reduction Reduction { get; init; } = Reduction.None;

    /// <summary>Whether each step of each core must be a step of the specification: docs/testing.md. It costs about as much as the run itself.</summary>
    public bool Refine { get; init; }

    /// <summary>Takes down what the run does; or what another run of the seed did, which this one must do as well.</summary>
    public RunRecord? Record { get; init; }
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

    internal SimulationFailedException(ulong seed, Exception fault, Cluster cluster, string again)
        : base(Describe(seed, fault, cluster, again), fault)
    {
        Seed = seed;
        Violation = Root(fault).Message;
        Promise = Root(fault) is ViolationException violation ? violation.Promise : Violation;
        Reduction = cluster.Options.Reduction;
        Again = again;
        IsQuiet = cluster.IsQuiet;
        At = cluster.Time.Now;
        Life = cluster.Weather.Duration;
        (Strikes, Turns) = (cluster.Decisions.Strikes, cluster.Decisions.Turns);
        Size = new RunSize(cluster.Weather.Members, Turns.Select(static t => t.Client).Distinct().Count(), Turns.Count, Strikes.Count, At / 1e6, cluster.Time.Events);
    }

    /// <summary>The seed.</summary>
    public ulong Seed { get; }

    /// <summary>What was broken, in a line.</summary>
    public string Violation { get; } = "";

    /// <summary>Which promise was broken, without the circumstances.</summary>
    public string Promise { get; } = "";

    /// <summary>What shows it again.</summary>
    public string Again { get; } = "";

    /// <summary>How much there is to read in the run.</summary>
    public RunSize Size { get; } = new(0, 0, 0, 0, 0, 0);

    /// <summary>What of the seed's run was left.</summary>
    public Reduction Reduction { get; } = Reduction.None;

    /// <summary>The strikes of faults that happened.</summary>
    internal IReadOnlyList<string> Strikes { get; } = [];

    /// <summary>The turns that clients took.</summary>
    internal IReadOnlyList<ClientTurn> Turns { get; } = [];

    /// <summary>It failed in the quiet phase.</summary>
    internal bool IsQuiet { get; }

    /// <summary>When it failed.</summary>
    internal long At { get; }

    /// <summary>How long the life with faults was.</summary>
    internal long Life { get; }

    private static string Describe(ulong seed, Exception fault, Cluster cluster, string again) =>
        string.Create(CultureInfo.InvariantCulture, $"""
            seed {seed} at commit {SourceRevision.Commit}, after {cluster.Time.Now / 1e6} s: {Root(fault).Message}
            {cluster.Decisions.Strikes.Count} strikes of faults, {cluster.Decisions.Turns.Count} turns of clients
            again: {again}
            {cluster.Chronicle}
            {cluster}
            {Root(fault)}
            """);

    /// <summary>The applier wraps what the state machine threw.</summary>
    private static Exception Root(Exception fault) => fault is Node.StateMachineException { InnerException: { } inner } ? inner : fault;
}
