using Quorate.Verification.Exploration;
using Quorate.Verification.ModelChecking;

namespace Quorate.Verification;

/// <summary>
/// Drives real cores through everything that can happen to them within bounds, or at random through more than that: every order of messages, every loss, every
/// crash between a write and its flush.
/// </summary>
/// <remarks>docs/testing.md says what a state is, what can happen in it, what is checked, and what is left out because it makes no difference.</remarks>
public static class Explorer
{
    /// <summary>The length of one walk. After it another begins.</summary>
    private const int WalkLength = 200;

    /// <summary>The worlds that can be explored whole.</summary>
    public static IReadOnlyList<string> ModelNames { get; } = [.. ModelConfigs.All.Select(static scope => scope.Name)];

    /// <summary>Meets every state of a world, the nearest first.</summary>
    /// <param name="name">One of <see cref="ModelNames"/>.</param>
    /// <param name="refine">Every step of every core must be a step of the specification.</param>
    /// <exception cref="ExplorationFailedException">A promise is broken in one of them; the text is a shortest way there.</exception>
    public static ExplorationReport Run(string name, bool refine = false)
    {
        var result = BreadthFirstSearch.Run(CreateModel(ModelConfigs.Find(name), refine));
        if (result.Counterexample is { } counterexample)
            throw new ExplorationFailedException(counterexample, result.Distinct, $"--explore {name}{(refine ? " --refine" : "")}");
        return new ExplorationReport(name, result.Generated, result.Distinct, result.Depth, result.Reached);
    }

    /// <summary>Walks at random through a world too large to be explored, where misfortunes are rare and work gets done between them.</summary>
    /// <param name="seed">Decides every step.</param>
    /// <param name="steps">How many, all walks together.</param>
    /// <param name="refine">Every step of every core must be a step of the specification.</param>
    /// <exception cref="ExplorationFailedException">A promise is broken; the text is the way there, without the steps that were not needed.</exception>
    public static WalkReport Walk(ulong seed, long steps, bool refine = false)
    {
        var result = RandomWalk.Run(CreateModel(ModelConfigs.RandomWalk, refine), seed, steps, WalkLength);
        if (result.Counterexample is { } counterexample)
            throw new ExplorationFailedException(counterexample, result.Steps, $"--walk {seed} --steps {steps}{(refine ? " --refine" : "")}");
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
            throw new ExplorationFailedException($"{violation.Message}\nBefore the search began: while the members started and the first leader was elected, and nothing went wrong.", violation);
        }
    }
}

/// <summary>What came of an exploration that found nothing.</summary>
/// <param name="Name">The world.</param>
/// <param name="Generated">States that steps led to, those met before among them.</param>
/// <param name="Distinct">Different states; those that differ only in who is called what are one.</param>
/// <param name="Depth">The number of states on the longest of the shortest ways.</param>
/// <param name="Reached">In how many of them each thing was so that must be met for the exploration to say something.</param>
public sealed record ExplorationReport(string Name, long Generated, int Distinct, int Depth, IReadOnlyDictionary<string, long> Reached);

/// <summary>What came of walks that found nothing.</summary>
/// <param name="Seed">What decided them.</param>
/// <param name="Walks">How many began.</param>
/// <param name="Steps">Their steps, all together.</param>
/// <param name="Reached">After how many of them each thing was so that must be met for the walks to say something.</param>
public sealed record WalkReport(ulong Seed, int Walks, long Steps, IReadOnlyDictionary<string, long> Reached);

/// <summary>A promise is broken. The text says how it came about, and how to see it again.</summary>
public sealed class ExplorationFailedException : Exception
{
    /// <summary>Makes the exception.</summary>
    public ExplorationFailedException()
    {
    }

    /// <summary>Makes the exception.</summary>
    public ExplorationFailedException(string message)
        : base(message)
    {
    }

    /// <summary>Makes the exception.</summary>
    public ExplorationFailedException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    internal ExplorationFailedException(Counterexample counterexample, long statesOrSteps, string reproCommand)
        : base($"{counterexample}\nagain: dotnet run -c Release --project test/Quorate.Sim -- {reproCommand}", counterexample.Cause)
    {
        Violation = counterexample.Violation;
        StatesOrSteps = statesOrSteps;
        Actions = [.. counterexample.Steps.Select(static step => step.Action)];
    }

    /// <summary>What is broken, in a line.</summary>
    public string Violation { get; } = "";

    /// <summary>How many states were met, or steps walked, until it was found.</summary>
    public long StatesOrSteps { get; }

    /// <summary>What happened, one thing after another.</summary>
    public IReadOnlyList<string> Actions { get; } = [];
}
