using System.Globalization;
using Quorate.Verification.Shrinking;

namespace Quorate.Verification;

/// <summary>
/// A command line of the simulator program for one run: every option that determines the run's result, and none that only prints it.
/// </summary>
/// <remarks>A failure prints it, and the program parses it. One type writes and parses it, so that no option is lost.</remarks>
public sealed record SimulatorCommandLine
{
    /// <summary>Command that starts the simulator program, from the root of the repository.</summary>
    public const string Program = "dotnet run -c Release --project tools/Quorate.Simulator --";

    /// <summary>The seed; null: not given yet.</summary>
    public ulong? Seed { get; init; }

    /// <summary>Which parts of the seed's run are left out.</summary>
    public RunReduction Reduction { get; init; } = RunReduction.None;

    /// <summary>Whether each step of each core must be a step of the specification.</summary>
    public bool Refine { get; init; }

    /// <summary>Whether the members have leader leases.</summary>
    public LeaseSimulation Leases { get; init; }

    /// <summary>Whether the members change.</summary>
    public bool ChangesMembers { get; init; }

    /// <summary>Whether the seed is run twice, to check that both runs are the same.</summary>
    public bool CheckDeterminism { get; init; }

    /// <summary>The arguments, separated by spaces.</summary>
    public string Arguments
    {
        get
        {
            var reduction = Reduction.ToString();
            return $"--seed {Seed?.ToString(CultureInfo.InvariantCulture)}{(reduction.Length > 0 ? " " + reduction : "")}"
                + Leases switch
                {
                    LeaseSimulation.WithinBounds => " --leases",
                    LeaseSimulation.BeyondBounds => " --leases-beyond-bounds",
                    _ => "",
                }
                + (ChangesMembers ? " --member-changes" : "")
                + $"{(Refine ? " --refine" : "")}{(CheckDeterminism ? " --check-determinism" : "")}";
        }
    }

    /// <summary>The run options that the command contains.</summary>
    public RunOptions Options => new() { Reduction = Reduction, Refine = Refine, Leases = Leases, ChangesMembers = ChangesMembers };

    /// <summary>
    /// Parses the next argument, with its value if it has one; returns false, and removes nothing from the queue, if it is not an argument
    /// of this command.
    /// </summary>
    /// <exception cref="FormatException">The value is invalid.</exception>
    public static bool TryParseNext(SimulatorCommandLine before, Queue<string> arguments, out SimulatorCommandLine after)
    {
        ArgumentNullException.ThrowIfNull(before);
        ArgumentNullException.ThrowIfNull(arguments);
        after = before;
        var (name, value) = (arguments.Peek(), arguments.ElementAtOrDefault(1));
        switch (name)
        {
            case "--refine":
                after = before with { Refine = true };
                break;
            case "--leases":
                after = before with { Leases = LeaseSimulation.WithinBounds };
                break;
            case "--leases-beyond-bounds":
                after = before with { Leases = LeaseSimulation.BeyondBounds };
                break;
            case "--member-changes":
                after = before with { ChangesMembers = true };
                break;
            case "--check-determinism":
                after = before with { CheckDeterminism = true };
                break;
            case "--seed" when value is not null:
                after = before with { Seed = ulong.Parse(value, CultureInfo.InvariantCulture) };
                arguments.Dequeue();
                break;
            case var _ when value is not null && RunReduction.TryApply(before.Reduction, name, value, out var reduction):
                after = before with { Reduction = reduction };
                arguments.Dequeue();
                break;
            default:
                return false;
        }

        arguments.Dequeue();
        return true;
    }

    /// <summary>The whole command line, with --trace, which prints every event.</summary>
    public override string ToString() => $"{Program} {Arguments} --trace";

    internal static SimulatorCommandLine For(ulong seed, RunOptions options) => new()
    {
        Seed = seed,
        Reduction = options.Reduction,
        Refine = options.Refine,
        Leases = options.Leases,
        ChangesMembers = options.ChangesMembers,
        CheckDeterminism = options.DeterminismRecord is { IsSecondRun: true },
    };
}
