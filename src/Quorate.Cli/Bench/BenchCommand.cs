using System.CommandLine;

namespace Quorate.Cli.Bench;

/// <summary>The <c>quorate bench put|range|txn|mixed</c> command: measures any server with the etcd v3 API.</summary>
internal static class BenchCommand
{
    private static readonly string Help =
        $"""
        Measures a server with the etcd v3 API: Quorate or etcd.

        Default: closed loop. Each client sends its next request after the response to the previous one. With --rate: open loop. Requests
        are due at fixed times, and latency is measured from the due time, so that a stall of the server counts in full.

        The report goes to stdout, everything else to stderr. Exit codes:
          {ExitCode.Ok,-4} every request succeeded
          {ExitCode.Usage,-4} the command line is invalid
          {ExitCode.Failed,-4} some requests failed; the report counts them by error
          {ExitCode.Unreachable,-4} an endpoint does not respond, or no endpoint is the leader; nothing was measured
          {ExitCode.Interrupted,-4} interrupted; the report contains what was measured until then
        """;

    /// <summary>Creates the command with its four workloads.</summary>
    public static Command Create()
    {
        var command = new Command("bench", Help);
        command.Add(Workload("put", "Writes keys.", [1, 0, 0], includeRange: false));
        command.Add(Workload(
            "range",
            "Reads one key (default), --limit keys starting at a key, or the keys under --prefix. Write the keys first, "
                + "with put --sequential-keys.",
            [0, 1, 0],
            includeRange: true));
        command.Add(Workload(
            "txn",
            "Writes a key if its revision has not changed since this bench last read it, and reads it otherwise.",
            [0, 0, 1],
            includeRange: false));
        command.Add(Mixed());
        return command;
    }

    private static Command Workload(string verb, string description, double[] shares, bool includeRange)
    {
        var command = new Command(verb, description);
        var arguments = new BenchArguments();
        arguments.AddTo(command, includeRange);
        command.SetAction((parsed, stop) => RunAsync(parsed, () => arguments.Parse(parsed, verb, shares), arguments, stop));
        return command;
    }

    private static Command Mixed()
    {
        var command = new Command("mixed", "Mixes puts, ranges and transactions, chosen at random for each request.");
        var reads = new Option<double>("--reads") { Description = "Fraction of ranges, 0 to 1.", DefaultValueFactory = _ => 0.8 };
        var txns = new Option<double>("--txns")
        {
            Description = "Fraction of transactions, 0 to 1; the rest are puts.",
            DefaultValueFactory = _ => 0,
        };
        command.Add(reads);
        command.Add(txns);
        var arguments = new BenchArguments();
        arguments.AddTo(command, includeRange: true);
        command.SetAction((parsed, stop) => RunAsync(parsed, () => arguments.Parse(parsed, "mixed", Shares(parsed)), arguments, stop));
        return command;

        double[] Shares(ParseResult parsed)
        {
            var (read, txn) = (parsed.GetValue(reads), parsed.GetValue(txns));
            return read >= 0 && txn >= 0 && read + txn <= 1
                ? [1 - read - txn, read, txn]
                : throw new BenchUsageException("--reads and --txns are fractions: each at least 0, together at most 1.");
        }
    }

    private static async Task<int> RunAsync(ParseResult parsed, Func<BenchOptions> parse, BenchArguments arguments, CancellationToken stop)
    {
        var messages = parsed.InvocationConfiguration.Error;
        try
        {
            var report = await BenchRunner.RunAsync(parse(), arguments.ShowsProgress(parsed) ? messages : null, stop).ConfigureAwait(false);
            BenchPrinter.Print(parsed.InvocationConfiguration.Output, report, arguments.Format(parsed));
            return stop.IsCancellationRequested ? ExitCode.Interrupted : report.Failed > 0 ? ExitCode.Failed : ExitCode.Ok;
        }
        catch (BenchUsageException usageError)
        {
            await messages.WriteLineAsync("quorate bench: " + usageError.Message).ConfigureAwait(false);
            return ExitCode.Usage;
        }
        catch (BenchException failure)
        {
            await messages.WriteLineAsync("quorate bench: " + failure.Message).ConfigureAwait(false);
            return ExitCode.Unreachable;
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            return ExitCode.Interrupted;
        }
    }
}
