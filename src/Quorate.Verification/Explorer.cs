using Quorate.Verification.Exploration;
using Quorate.Verification.ModelChecking;

namespace Quorate.Verification;

/// <summary>
/// Model checker for real cores: explores every state within bounds, or walks randomly through larger models. Actions include every order
/// of messages, every message loss, and every crash between a write and its flush.
/// </summary>
/// <remarks>
/// docs/testing/explorer.md describes states, actions, checked properties, and the state-space reductions with their justification.
/// </remarks>
public static class Explorer
{
    /// <summary>Length of one walk in steps; then the next walk starts.</summary>
    private const int WalkLength = 200;

    /// <summary>Names of the model configurations that can be explored exhaustively.</summary>
    public static IReadOnlyList<string> ModelNames { get; } = [.. ModelConfigs.All.Select(static config => config.Name)];

    /// <summary>Names of the model configurations for random walks. The first is the default.</summary>
    public static IReadOnlyList<string> WalkNames { get; } = [.. ModelConfigs.Walks.Select(static config => config.Name)];

    /// <summary>Visits every state of a model configuration in breadth-first order.</summary>
    /// <param name="name">One of <see cref="ModelNames"/>.</param>
    /// <param name="refine">Whether every step of every core must be a step of the specification.</param>
    /// <exception cref="ExplorationFailedException">
    /// A state or step violates a property; the message contains a shortest path to it.
    /// </exception>
    public static ExplorationReport Run(string name, bool refine = false)
    {
        var result = BreadthFirstSearch.Run(CreateModel(ModelConfigs.Find(name), refine));
        if (result.Counterexample is { } counterexample)
            throw new ExplorationFailedException(counterexample, result.Distinct, $"--explore {name}{(refine ? " --refine" : "")}");
        return new ExplorationReport(name, result.Generated, result.Distinct, result.Depth, result.Reached);
    }

    /// <summary>
    /// Walks randomly through a model that is too large to be explored exhaustively. Faults are rare compared with messages, so operations
    /// complete between faults. After each walk the faults end, and the cluster must make progress.
    /// </summary>
    /// <param name="seed">Determines every step.</param>
    /// <param name="steps">Number of steps, over all walks.</param>
    /// <param name="refine">
    /// Whether every step of every core must be a step of the specification. The specification has no joint configuration that lasts.
    /// </param>
    /// <param name="name">One of <see cref="WalkNames"/>; null: the first.</param>
    /// <exception cref="ExplorationFailedException">
    /// A state or step violates a property, or the cluster makes no progress after the last fault; the message contains the path to it,
    /// without the steps that were not needed.
    /// </exception>
    public static WalkReport Walk(ulong seed, long steps, bool refine = false, string? name = null)
    {
        var result = RandomWalk.Run(CreateModel(ModelConfigs.FindWalk(name ?? WalkNames[0]), refine), seed, steps, WalkLength);
        if (result.Counterexample is { } counterexample)
            throw new ExplorationFailedException(
                counterexample, result.Steps,
                $"--walk {seed} --steps {steps}{(name is null ? "" : $" --model {name}")}{(refine ? " --refine" : "")}");
        return new WalkReport(seed, result.Walks, result.Steps, result.Reached);
    }

    private static ClusterModel CreateModel(ModelConfig config, bool refine)
    {
        try
        {
            return new ClusterModel(config, refine);
        }
        catch (ViolationException violation)
        {
            throw new ExplorationFailedException(
                $"{violation.Message}\nViolated before the search and without any fault, while the members started and elected a leader.",
                violation);
        }
    }
}

/// <summary>Result of an exploration without violations.</summary>
/// <param name="Name">The model configuration.</param>
/// <param name="Generated">Number of states that steps led to, including states visited before.</param>
/// <param name="Distinct">Number of distinct states; states that differ only by a permutation of the members count as one.</param>
/// <param name="Depth">Number of states on the longest of all shortest paths.</param>
/// <param name="Reached">For each condition that must hold sometimes, the number of states in which it held.</param>
public sealed record ExplorationReport(string Name, long Generated, int Distinct, int Depth, IReadOnlyDictionary<string, long> Reached);

/// <summary>Result of random walks without violations.</summary>
/// <param name="Seed">The seed that determined the walks.</param>
/// <param name="Walks">Number of walks that were started.</param>
/// <param name="Steps">Number of steps, over all walks.</param>
/// <param name="Reached">For each condition that must hold sometimes, the number of steps after which it held.</param>
public sealed record WalkReport(ulong Seed, int Walks, long Steps, IReadOnlyDictionary<string, long> Reached);

/// <summary>
/// An exploration or a walk violated a property. The message contains the path to the violation and the command that reproduces it.
/// </summary>
public sealed class ExplorationFailedException : Exception
{
    /// <summary>Creates the exception.</summary>
    public ExplorationFailedException()
    {
    }

    /// <summary>Creates the exception with a message.</summary>
    public ExplorationFailedException(string message)
        : base(message)
    {
    }

    /// <summary>Creates the exception with a message and an inner exception.</summary>
    public ExplorationFailedException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    internal ExplorationFailedException(Counterexample counterexample, long statesOrSteps, string reproCommand)
        : base($"{counterexample}\nreproduce with: {SimulatorCommandLine.Program} {reproCommand}", counterexample.Cause)
    {
        Violation = counterexample.Violation;
        StatesOrSteps = statesOrSteps;
        Actions = [.. counterexample.Steps.Select(static step => step.Action)];
    }

    /// <summary>The violated property and the details, in one line.</summary>
    public string Violation { get; } = "";

    /// <summary>Number of distinct states that were visited, or of steps that were walked, until the violation was found.</summary>
    public long StatesOrSteps { get; }

    /// <summary>The actions that lead to the violation, in order.</summary>
    public IReadOnlyList<string> Actions { get; } = [];
}
