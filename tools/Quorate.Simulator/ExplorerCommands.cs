using System.Globalization;
using Quorate.Verification;

/// <summary>Runs the explorer: the switches <c>--explore</c> and <c>--walk</c>.</summary>
internal static class ExplorerCommands
{
    public static int Run(string[] args, string usage)
    {
        var refine = args.Contains("--refine");
        try
        {
            switch (args.Where(static argument => argument != "--refine").ToArray())
            {
                case ["--explore"]:
                    Console.WriteLine(string.Join('\n', Explorer.ModelNames));
                    return 0;
                case ["--explore", var name] when Explorer.ModelNames.Contains(name):
                    var found = Explorer.Run(name, refine);
                    Print(found.Reached);
                    Console.WriteLine(
                        $"{name}: ok, {found.Generated} generated, {found.Distinct} distinct, depth {found.Depth}, {CpuTime()}");
                    return 0;
                case ["--walk"]:
                    Console.WriteLine(string.Join('\n', Explorer.WalkNames));
                    return 0;
                case ["--walk", var seed]:
                    return Walk(seed, "1000000", refine, name: null);
                case ["--walk", var seed, "--steps", var steps]:
                    return Walk(seed, steps, refine, name: null);
                case ["--walk", var seed, "--steps", var steps, "--model", var name] when Explorer.WalkNames.Contains(name):
                    return Walk(seed, steps, refine, name);
                default:
                    Console.Error.WriteLine(usage);
                    return 1;
            }
        }
        catch (Exception e) when (e is FormatException or OverflowException)
        {
            Console.Error.WriteLine($"a value is not a number\n{usage}");
            return 1;
        }
        catch (ExplorationFailedException failure)
        {
            Console.WriteLine(failure.Message);
            Console.WriteLine($"found after {failure.StatesOrSteps} {(args[0] == "--walk" ? "steps" : "states")}, {CpuTime()}");
            return 2;
        }
    }

    private static int Walk(string seed, string steps, bool refine, string? name)
    {
        var walked = Explorer.Walk(
            ulong.Parse(seed, CultureInfo.InvariantCulture), long.Parse(steps, CultureInfo.InvariantCulture), refine, name);
        Print(walked.Reached);
        Console.WriteLine($"seed {walked.Seed}: ok, {walked.Walks} walks, {walked.Steps} steps, {CpuTime()}");
        return 0;
    }

    private static void Print(IReadOnlyDictionary<string, long> reached)
    {
        foreach (var (goal, count) in reached)
            Console.WriteLine($"{count,12}  {goal}");
    }

    private static string CpuTime() => $"{Environment.CpuUsage.TotalTime.TotalSeconds:0.0} s of CPU time";
}
