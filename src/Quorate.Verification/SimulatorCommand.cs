using System.Globalization;
using Quorate.Verification.Shrinking;

namespace Quorate.Verification;

/// <summary>One run as the runner is told to do it: whatever decides what it finds, and nothing of who watches.</summary>
/// <remarks>A failure prints it, and the runner reads it: one place writes and reads, so that no option is lost in between.</remarks>
public sealed record SimulatorCommand
{
    /// <summary>How the runner is started, in the folder of the project.</summary>
    public const string Program = "dotnet run -c Release --project test/Quorate.Sim --";

    /// <summary>The seed; null: it has not been said.</summary>
    public ulong? Seed { get; init; }

    /// <summary>What is left of the run.</summary>
    public Reduction Reduction { get; init; } = Reduction.None;

    /// <summary>Whether each step must be one of the specification.</summary>
    public bool Refine { get; init; }

    /// <summary>Whether it is run twice, and must do the same.</summary>
    public bool CheckDeterminism { get; init; }

    /// <summary>The arguments, with a blank between them.</summary>
    public string Arguments
    {
        get
        {
            var reduction = Reduction.ToString();
            return $"--seed {Seed?.ToString(CultureInfo.InvariantCulture)}{(reduction.Length > 0 ? " " + reduction : "")}{(Refine ? " --refine" : "")}{(CheckDeterminism ? " --twice" : "")}";
        }
    }

    /// <summary>How the run is watched, as far as the command says it.</summary>
    public RunOptions Options => new() { Reduction = Reduction, Refine = Refine };

    /// <summary>Takes the next argument, with its value if it has one, when it is one of ours.</summary>
    /// <exception cref="FormatException">The value is not what <see cref="ToString"/> would write.</exception>
    public static bool TryParseNext(SimulatorCommand before, Queue<string> arguments, out SimulatorCommand after)
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
            case "--twice":
                after = before with { CheckDeterminism = true };
                break;
            case "--seed" when value is not null:
                after = before with { Seed = ulong.Parse(value, CultureInfo.InvariantCulture) };
                arguments.Dequeue();
                break;
            case var _ when value is not null && Reduction.TryApply(before.Reduction, name, value, out var reduction):
                after = before with { Reduction = reduction };
                arguments.Dequeue();
                break;
            default:
                return false;
        }

        arguments.Dequeue();
        return true;
    }

    /// <summary>The whole command, which tells all that happens.</summary>
    public override string ToString() => $"{Program} {Arguments} --trace";

    internal static SimulatorCommand For(ulong seed, RunOptions options) => new()
    {
        Seed = seed,
        Reduction = options.Reduction,
        Refine = options.Refine,
        CheckDeterminism = options.DeterminismRecord is { IsSecondRun: true },
    };
}
