using System.CommandLine;

namespace Quorate.Server.Bench;

/// <summary><c>quorate bench put|range|txn|mixed</c>: measures any server that speaks the etcd v3 API.</summary>
public static class BenchCommand
{
    private const string Help =
        """
        Measures a server that speaks the etcd v3 API: this one, or etcd.

        By default a closed loop: each client sends its next request when the last one is answered. With --rate an open loop: requests
        are due at fixed times, and latency counts from when a request was due, so that a stall of the server is seen in full.

        The report goes to stdout, everything else to stderr. Exit codes:
          0    every request succeeded
          1    the command line is wrong
          2    some requests failed; the report counts them by what the server said
          3    an endpoint does not answer, or none of them leads; nothing was measured
          130  interrupted; the report shows what was measured until then
        """;

    /// <summary>The verb with its four workloads, to be added to the root command.</summary>
    public static Command Create()
    {
        var command = new Command("bench", Help);
        command.Add(Workload("put", "Writes keys.", [1, 0, 0], includeRange: false));
        command.Add(Workload("range", "Reads one key (by default), --limit keys from a key on, or those under --prefix. Write the keys first, with put --sequential-keys.", [0, 1, 0], includeRange: true));
        command.Add(Workload("txn", "Writes a key if its revision is still the last one this bench saw, and reads it otherwise.", [0, 0, 1], includeRange: false));
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
        var command = new Command("mixed", "Puts, ranges and transactions together, drawn at random for each request.");
        var reads = new Option<double>("--reads") { Description = "Share of ranges, 0 to 1.", DefaultValueFactory = _ => 0.8 };
        var txns = new Option<double>("--txns") { Description = "Share of transactions, 0 to 1; the rest are puts.", DefaultValueFactory = _ => 0 };
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
                : throw new BenchUsageException("--reads and --txns are shares: each at least 0, together at most 1.");
        }
    }

    private static async Task<int> RunAsync(ParseResult parsed, Func<BenchOptions> parse, BenchArguments arguments, CancellationToken stop)
    {
        var messages = parsed.InvocationConfiguration.Error;
        try
        {
            var report = await BenchRunner.RunAsync(parse(), arguments.ShowsProgress(parsed) ? messages : null, stop).ConfigureAwait(false);
            BenchPrinter.Print(parsed.InvocationConfiguration.Output, report, arguments.Format(parsed));
            return stop.IsCancellationRequested ? 130 : report.Failed > 0 ? 2 : 0;
        }
        catch (BenchUsageException usageError)
        {
            await messages.WriteLineAsync("quorate bench: " + usageError.Message).ConfigureAwait(false);
            return 1;
        }
        catch (BenchException failure)
        {
            await messages.WriteLineAsync("quorate bench: " + failure.Message).ConfigureAwait(false);
            return 3;
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            return 130;
        }
    }
}
