using System.CommandLine;
using Quorate.Load.Proxy;
using Quorate.Load.Servers;
using Quorate.Load.Soak;
using Quorate.Load.Targets;

namespace Quorate.Load;

/// <summary>The command line: selects targets, writers and duration, runs the targets in alternation and prints one table.</summary>
internal static class LoadCommand
{
    private static readonly Dictionary<string, Func<LoadOptions, string, CancellationToken, Task<Measurement>>> Targets =
        new(StringComparer.Ordinal)
        {
            ["quorate"] = (options, directory, stop) => ClosedLoop.RunAsync("quorate", new QuorateTarget(), options, directory, stop),
            ["dotnext"] = (options, directory, stop) => ClosedLoop.RunAsync("dotnext", new DotNextTarget(), options, directory, stop),
            ["disk"] = (options, directory, _) => Task.Run(() => RawDiskBaseline.Run("disk", copies: 1, options, directory)),
            ["disk3"] = (options, directory, _) => Task.Run(() => RawDiskBaseline.Run("disk3", copies: 3, options, directory)),
        };

    public static RootCommand Create()
    {
        var targets = new Argument<string[]>("targets")
        {
            Description = "Targets, in this order: " + string.Join(", ", Targets.Keys) + ". Default: all.",
            Arity = ArgumentArity.ZeroOrMore,
            DefaultValueFactory = _ => [.. Targets.Keys],
        };
        targets.AcceptOnlyFromAmong([.. Targets.Keys]);
        var writers = new Option<int[]>("--writers")
        {
            Description = "Number of writers in a closed loop; several numbers give several rows.",
            AllowMultipleArgumentsPerToken = true,
            DefaultValueFactory = _ => [1, 64, 256],
        };
        var size = new Option<int>("--size") { Description = "Size of a command in bytes.", DefaultValueFactory = _ => 256 };
        var seconds = new Option<double>("--seconds") { Description = "Measured seconds of one run.", DefaultValueFactory = _ => 10 };
        var warmup = new Option<double>("--warmup") { Description = "Warm-up seconds before measuring.", DefaultValueFactory = _ => 3 };
        var rounds =
            new Option<int>("--rounds")
            {
                Description = "Runs of each target, in alternation; the table shows medians.", DefaultValueFactory = _ => 3
            };
        var directory = new Option<string>("--directory")
        {
            Description = "Parent directory of the logs; must be on the disk to be measured.",
            DefaultValueFactory = _ => Path.GetTempPath(),
        };
        var output = new Option<string>("--output", "-o") { Description = "markdown or json.", DefaultValueFactory = _ => "markdown" };
        output.AcceptOnlyFromAmong("markdown", "json");

        var root = new RootCommand("Measures replicated logs as libraries: three members in one process, every write flushed.")
        {
            targets, writers, size, seconds, warmup, rounds, directory, output,
        };
        root.Add(ServerLoadCommand.Create());
        root.Add(SoakCommand.Create());
        root.Add(ProxyCommand.Create());
        root.SetAction(async (parsed, stop) =>
        {
            var runs = parsed.GetRequiredValue(writers).Select(count => new LoadOptions(
                count,
                parsed.GetValue(size),
                TimeSpan.FromSeconds(parsed.GetValue(warmup)),
                TimeSpan.FromSeconds(parsed.GetValue(seconds)),
                Seed: 1)).ToArray();
            var measurements = await RunAlternatingAsync(
                parsed.GetRequiredValue(targets), runs, parsed.GetValue(rounds), parsed.GetRequiredValue(directory), stop);
            LoadReport.Write(Console.Out, measurements, parsed.GetRequiredValue(output));
            return measurements.Any(measurement => measurement.Errors > 0) ? 2 : 0;
        });
        return root;
    }

    /// <summary>Alternates A B A B: each round runs every target once, so that a slow minute of the computer affects all of them.</summary>
    private static async Task<List<Measurement>> RunAlternatingAsync(
        string[] targets, LoadOptions[] runs, int rounds, string parentDirectory, CancellationToken stop)
    {
        var measurements = new List<Measurement>();
        foreach (var options in runs)
        {
            for (var round = 1; round <= rounds; round++)
            {
                foreach (var target in targets)
                {
                    var directory = Directory.CreateDirectory(Path.Combine(parentDirectory, "quorate-load-" + Guid.NewGuid().ToString("N")))
                        .FullName;
                    try
                    {
                        var measurement = await Targets[target](options, directory, stop);
                        measurements.Add(measurement);
                        await Console.Error.WriteLineAsync(
                            $"{target}, {options.Writers} writers, round {round}: {measurement.WritesPerSecond:F0} writes/s, " +
                            $"p99 {measurement.P99Us / 1000:F2} ms, {measurement.Errors} errors {measurement.FirstError}");
                    }
                    finally
                    {
                        Directory.Delete(directory, recursive: true);
                    }
                }
            }
        }

        return measurements;
    }
}
