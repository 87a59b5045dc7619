using System.CommandLine;
using Quorate.Load.Targets;

namespace Quorate.Load;

/// <summary>The command line: which targets, how many writers, how long; runs them in turn and prints one table.</summary>
internal static class LoadCommand
{
    private static readonly Dictionary<string, Func<LoadOptions, string, CancellationToken, Task<Measurement>>> Targets = new(StringComparer.Ordinal)
    {
        ["quorate"] = (plan, folder, stop) => ClosedLoop.RunAsync("quorate", new QuorateTarget(), plan, folder, stop),
        ["dotnext"] = (plan, folder, stop) => ClosedLoop.RunAsync("dotnext", new DotNextTarget(), plan, folder, stop),
        ["disk"] = (plan, folder, _) => Task.Run(() => RawDiskBaseline.Run("disk", copies: 1, plan, folder)),
        ["disk3"] = (plan, folder, _) => Task.Run(() => RawDiskBaseline.Run("disk3", copies: 3, plan, folder)),
    };

    public static RootCommand Create()
    {
        var targets = new Argument<string[]>("targets")
        {
            Description = "What to drive, in this order: " + string.Join(", ", Targets.Keys) + ". Default: all.",
            Arity = ArgumentArity.ZeroOrMore,
            DefaultValueFactory = _ => [.. Targets.Keys],
        };
        targets.AcceptOnlyFromAmong([.. Targets.Keys]);
        var writers = new Option<int[]>("--writers")
        {
            Description = "Writers in a closed loop; several numbers give several rows.",
            AllowMultipleArgumentsPerToken = true,
            DefaultValueFactory = _ => [1, 64, 256],
        };
        var size = new Option<int>("--size") { Description = "Bytes of a command.", DefaultValueFactory = _ => 256 };
        var seconds = new Option<double>("--seconds") { Description = "Measured time of one run.", DefaultValueFactory = _ => 10 };
        var warmup = new Option<double>("--warmup") { Description = "Seconds before measuring.", DefaultValueFactory = _ => 3 };
        var rounds = new Option<int>("--rounds") { Description = "How often each is run, in turn; medians are shown.", DefaultValueFactory = _ => 3 };
        var folder = new Option<string>("--folder")
        {
            Description = "Where the logs are written; must be on the disk that is to be measured.",
            DefaultValueFactory = _ => Path.GetTempPath(),
        };
        var output = new Option<string>("--output", "-o") { Description = "markdown or json.", DefaultValueFactory = _ => "markdown" };
        output.AcceptOnlyFromAmong("markdown", "json");

        var root = new RootCommand("Drives replicated logs at library level: three members in one process, every write flushed.")
        {
            targets, writers, size, seconds, warmup, rounds, folder, output,
        };
        root.SetAction(async (parsed, stop) =>
        {
            var plans = parsed.GetRequiredValue(writers).Select(count => new LoadOptions(
                count,
                parsed.GetValue(size),
                TimeSpan.FromSeconds(parsed.GetValue(warmup)),
                TimeSpan.FromSeconds(parsed.GetValue(seconds)),
                Seed: 1)).ToArray();
            var measurements = await RunInTurnAsync(
                parsed.GetRequiredValue(targets), plans, parsed.GetValue(rounds), parsed.GetRequiredValue(folder), stop);
            LoadReport.Write(Console.Out, measurements, parsed.GetRequiredValue(output));
            return measurements.Any(measurement => measurement.Errors > 0) ? 2 : 0;
        });
        return root;
    }

    /// <summary>A B A B: every target once, then every target again, so that a slow minute of the machine hits them all.</summary>
    private static async Task<List<Measurement>> RunInTurnAsync(
        string[] targets, LoadOptions[] plans, int rounds, string parentFolder, CancellationToken stop)
    {
        var measurements = new List<Measurement>();
        foreach (var plan in plans)
        {
            for (var round = 1; round <= rounds; round++)
            {
                foreach (var target in targets)
                {
                    var folder = Directory.CreateDirectory(Path.Combine(parentFolder, "quorate-load-" + Guid.NewGuid().ToString("N"))).FullName;
                    try
                    {
                        var measurement = await Targets[target](plan, folder, stop);
                        measurements.Add(measurement);
                        await Console.Error.WriteLineAsync(
                            $"{target}, {plan.Writers} writers, round {round}: {measurement.WritesPerSecond:F0} writes/s, " +
                            $"p99 {measurement.P99Us / 1000:F2} ms, {measurement.Errors} errors {measurement.FirstError}");
                    }
                    finally
                    {
                        Directory.Delete(folder, recursive: true);
                    }
                }
            }
        }

        return measurements;
    }
}
