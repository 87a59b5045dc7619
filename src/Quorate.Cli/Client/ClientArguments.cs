using System.CommandLine;

namespace Quorate.Cli.Client;

/// <summary>The options that all client commands have, and what their commands have in common.</summary>
internal sealed class ClientArguments
{
    private readonly Option<string> _endpoints = CommandOptions.Endpoints();
    private readonly TimeSpan _defaultTimeout;
    private readonly Option<TimeSpan?> _timeout;
    private readonly Option<string> _output = new("--output", "-o", "-w")
    {
        Description = "Output format: simple, as etcdctl's, or json, as the responses of the JSON gateway.",
        DefaultValueFactory = _ => "simple",
    };

    private ClientArguments(TimeSpan defaultTimeout)
    {
        _defaultTimeout = defaultTimeout;
        _timeout = CommandOptions.Duration("--timeout", $"Time to wait for each response. [default: {defaultTimeout.TotalSeconds}s]");
    }

    /// <summary>Creates a command.</summary>
    /// <param name="verb">The name of the command.</param>
    /// <param name="description">The help text; the exit codes are appended.</param>
    /// <param name="symbols">The arguments and options of this command.</param>
    /// <param name="run">Makes the calls and prints the result.</param>
    /// <param name="defaultTimeout">The default of --timeout; null: 5 s.</param>
    /// <param name="failed">What the exit code for a failure means.</param>
    /// <param name="unreachable">What the exit code for no server or no leader means.</param>
    public static Command CreateCommand(
        string verb, string description, Symbol[] symbols, Func<ParseResult, ClientSession, ClientOutput, CancellationToken, Task> run,
        TimeSpan? defaultTimeout = null, string failed = "the server rejected the request",
        string unreachable = "no server responds, or the cluster has no leader")
    {
        var arguments = new ClientArguments(defaultTimeout ?? TimeSpan.FromSeconds(5));
        arguments._output.AcceptOnlyFromAmong("simple", "json");
        var command = new Command(verb.Split(' ')[^1], $"{description}\n\n{ExitCodes(failed, unreachable)}");
        foreach (var symbol in symbols)
        {
            if (symbol is Argument argument)
                command.Add(argument);
            else
                command.Add((Option)symbol);
        }

        command.Add(arguments._endpoints);
        command.Add(arguments._timeout);
        command.Add(arguments._output);
        command.SetAction((parsed, stop) => arguments.RunAsync(verb, parsed, run, stop));
        return command;
    }

    private static string ExitCodes(string failed, string unreachable) =>
        $"""
        Exit codes:
          {ExitCode.Ok,-4} success
          {ExitCode.Usage,-4} the command line is invalid
          {ExitCode.Failed,-4} {failed}
          {ExitCode.Unreachable,-4} {unreachable}
          {ExitCode.Interrupted,-4} interrupted
        """;

    private async Task<int> RunAsync(
        string verb, ParseResult parsed, Func<ParseResult, ClientSession, ClientOutput, CancellationToken, Task> run,
        CancellationToken stop)
    {
        var messages = parsed.InvocationConfiguration.Error;
        var endpoints = CommandOptions.ParseEndpoints(parsed.GetValue(_endpoints), out var usageError);
        var timeout = parsed.GetValue(_timeout) ?? _defaultTimeout;
        if (timeout <= TimeSpan.Zero)
            usageError ??= "--timeout must be more than 0.";
        if (usageError is not null)
        {
            await messages.WriteLineAsync($"quorate {verb}: {usageError}").ConfigureAwait(false);
            return ExitCode.Usage;
        }

        try
        {
            var stdout = Console.OpenStandardOutput();
            await using (stdout.ConfigureAwait(false))
            {
                var output = new ClientOutput(stdout, parsed.GetRequiredValue(_output) == "json");
                await run(parsed, new ClientSession(verb, endpoints, timeout, stop), output, stop).ConfigureAwait(false);
            }

            return ExitCode.Ok;
        }
        catch (ClientException failure)
        {
            await messages.WriteLineAsync(failure.Message).ConfigureAwait(false);
            return failure.ExitCode;
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            return ExitCode.Interrupted;
        }
    }
}
