using System.CommandLine;
using System.Globalization;
using Quorate.Load.Http2;
using Quorate.Server.Settings;

namespace Quorate.Load.Servers;

/// <summary>The <c>server put|range</c> command: measures any server with the etcd v3 API, at little cost of its own.</summary>
internal static class ServerLoadCommand
{
    private const string Help =
        """
        Measures a server with the etcd v3 API: Quorate or etcd. Prepared HTTP/2 frames over raw sockets, plaintext only.

        Default: closed loop. Each client sends its next request after the response to the previous one. With --rate: open loop. Requests
        are due at fixed times, and latency is measured from the due time, so that a stall of the server counts in full.

        The report goes to stdout, everything else to stderr. Exit codes:
          0    every request succeeded
          1    the command line is invalid
          2    some requests failed; the report counts them by error
          3    an endpoint does not respond, or no endpoint is the leader; nothing was measured
          130  interrupted; the report contains what was measured until then
        """;

    public static Command Create()
    {
        var command = new Command("server", Help);
        command.Add(Workload("put", "Writes keys.", ServerOperation.Put));
        command.Add(Workload("range", "Reads one key at a time. Write them first, with put --sequential-keys.", ServerOperation.Range));
        return command;
    }

    private static Command Workload(string name, string description, ServerOperation operation)
    {
        var arguments = new ServerLoadArguments(operation);
        var command = new Command(name, description);
        foreach (var option in arguments.Options)
        {
            command.Add(option);
        }

        command.SetAction((parsed, stop) =>
        {
            var (output, errors) = (parsed.InvocationConfiguration.Output, parsed.InvocationConfiguration.Error);
            return Task.Run(() => Run(arguments, parsed, output, errors, stop), CancellationToken.None);
        });
        return command;
    }

    private static int Run(ServerLoadArguments arguments, ParseResult parsed, TextWriter output, TextWriter errors, CancellationToken stop)
    {
        try
        {
            var report = ServerLoad.Run(arguments.Parse(parsed), stop);
            report.Write(output, arguments.Format(parsed));
            return stop.IsCancellationRequested ? 130 : report.Failed > 0 ? 2 : 0;
        }
        catch (UsageException invalid)
        {
            errors.WriteLine("Quorate.Load: " + invalid.Message);
            return 1;
        }
        catch (Exception failure) when (failure is Http2Exception or NoLeaderException)
        {
            errors.WriteLine("Quorate.Load: " + failure.Message);
            return 3;
        }
    }
}

/// <summary>The options are out of range or contradict each other.</summary>
internal sealed class UsageException(string message) : Exception(message);

/// <summary>The command-line options of <c>server put</c> and <c>server range</c>; the names are those of <c>quorate bench</c>.</summary>
internal sealed class ServerLoadArguments(ServerOperation operation)
{
    // Kestrel's default limit is 100 streams per connection.
    private const int ClientsPerConnectionMax = 64;

    // Key, value, their field headers and the gRPC prefix must fit into one DATA frame of 16,384 bytes.
    private const int RequestBytesMax = 16_000;

    private readonly Option<string> _endpoints =
        Text("--endpoints", "127.0.0.1:2379", "Comma-separated endpoints: host:port or http://host:port.");

    private readonly Option<int> _clients = Number("--clients", 1, "Number of clients; each has at most one pending request.");
    private readonly Option<int> _connections =
        Number("--connections", 0, "Number of connections; 0: one per endpoint, more if a connection would carry over 64 clients.");

    private readonly Option<int> _threads = Number("--threads", 1, "Number of threads; one can generate over 100,000 requests per second.");
    private readonly Option<int> _keySize = Number("--key-size", 8, "Key size in bytes.");
    private readonly Option<int> _valueSize = Number("--val-size", 256, "Value size in bytes.");
    private readonly Option<int> _keySpace = Number("--key-space", 100_000, "Number of distinct keys.");
    private readonly Option<bool> _sequential = new("--sequential-keys") { Description = "Use keys in sequence instead of at random." };
    private readonly Option<long?> _total = new("--total") { Description = "Number of requests to measure, instead of a duration." };
    private readonly Option<TimeSpan> _duration = Duration("--duration", 10, "Duration of the measurement: 500ms, 10s, 2m.");
    private readonly Option<TimeSpan> _warmup = Duration("--warmup", 1, "Duration of the warm-up before the measurement.");
    private readonly Option<double?> _rate = new("--rate") { Description = "Requests per second of all clients together (open loop)." };
    private readonly Option<TimeSpan> _timeout = Duration("--timeout", 5, "Timeout of a request.");
    private readonly Option<int> _seed = Number("--seed", 1, "Seed of the random keys and values.");
    private readonly Option<bool> _targetLeader = new("--target-leader") { Description = "Send all requests to the leader." };
    private readonly Option<string> _whileFiles = Text(
        "--while-files", "", "Comma-separated patterns; reports separately what completed while such a file existed: data/snapshot-*.new.");

    private readonly Option<string> _consistency =
        Text("--consistency", "l", "Consistency of reads: l (linearizable) or s (serializable: the local state of the member).");

    private readonly Option<string> _output = new("--output", "-o")
    {
        Description = "Output format: simple or json.",
        DefaultValueFactory = _ => "simple",
    };

    public IEnumerable<Option> Options
    {
        get
        {
            _consistency.AcceptOnlyFromAmong("l", "s");
            _output.AcceptOnlyFromAmong("simple", "json");
            Option[] always =
            [
                _endpoints, _clients, _connections, _threads, _keySize, _valueSize, _keySpace, _sequential, _total, _duration, _warmup,
                _rate, _timeout, _seed, _targetLeader, _whileFiles, _output,
            ];
            return operation is ServerOperation.Range ? [.. always, _consistency] : always;
        }
    }

    public string Format(ParseResult parsed) => parsed.GetRequiredValue(_output);

    /// <exception cref="UsageException">The options are out of range or contradict each other.</exception>
    public ServerLoadOptions Parse(ParseResult parsed)
    {
        var endpoints = ParseEndpoints(parsed.GetRequiredValue(_endpoints));
        var clients = parsed.GetValue(_clients);
        Require(clients >= 1, "--clients must be at least 1.");
        var connections = parsed.GetValue(_connections);
        var targets = parsed.GetValue(_targetLeader) ? 1 : endpoints.Length;
        var options = new ServerLoadOptions
        {
            Operation = operation,
            Endpoints = endpoints,
            Clients = clients,
            Connections = connections > 0 ? connections : DefaultConnections(clients, targets),
            Threads = parsed.GetValue(_threads),
            KeyBytes = parsed.GetValue(_keySize),
            ValueBytes = parsed.GetValue(_valueSize),
            KeySpace = parsed.GetValue(_keySpace),
            SequentialKeys = parsed.GetValue(_sequential),
            Serializable = operation is ServerOperation.Range && parsed.GetValue(_consistency) == "s",
            Total = parsed.GetValue(_total),
            Duration = parsed.GetValue(_duration),
            Warmup = parsed.GetValue(_warmup),
            Rate = parsed.GetValue(_rate),
            Timeout = parsed.GetValue(_timeout),
            Seed = parsed.GetValue(_seed),
            TargetLeader = parsed.GetValue(_targetLeader),
            WhileFiles = parsed.GetRequiredValue(_whileFiles).Split(',', StringSplitOptions.RemoveEmptyEntries),
        };
        Validate(options);
        return options;
    }

    private static void Validate(ServerLoadOptions options)
    {
        Require(options.KeySpace >= 1, "--key-space must be at least 1.");
        var digits = (options.KeySpace - 1).ToString(CultureInfo.InvariantCulture).Length;
        Require(
            options.KeyBytes >= digits,
            $"--key-size {options.KeyBytes} cannot represent {options.KeySpace} distinct keys; the minimum is {digits}.");
        Require(options.ValueBytes >= 0, "--val-size must be at least 0.");
        Require(
            (long)options.KeyBytes + options.ValueBytes <= RequestBytesMax,
            $"--key-size and --val-size must be at most {RequestBytesMax} bytes together, to fit into one frame; or use quorate bench.");
        Require(options.Connections <= options.Clients, "--connections must not be more than --clients.");
        Require(
            options.Threads >= 1 && options.Threads <= options.Connections,
            $"--threads must be from 1 to the number of connections, {options.Connections}.");
        Require(options.Rate is null or > 0, "--rate must be more than 0.");
        Require(options.Total is null or > 0, "--total must be more than 0.");
        Require(options.Timeout > TimeSpan.Zero, "--timeout must be more than 0.");
    }

    private static int DefaultConnections(int clients, int endpoints)
    {
        var each = (clients + (endpoints * ClientsPerConnectionMax) - 1) / (endpoints * ClientsPerConnectionMax);
        return Math.Min(clients, each * endpoints);
    }

    private static Uri[] ParseEndpoints(string text) =>
    [
        .. text.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Select(name =>
            Uri.TryCreate(name.Contains("://", StringComparison.Ordinal) ? name : "http://" + name, UriKind.Absolute, out var endpoint)
                && endpoint.Scheme == "http"
                ? endpoint
                : throw new UsageException($"{name} is not a plaintext endpoint; write host:port or http://host:port.")),
    ];

    private static void Require(bool holds, string otherwise)
    {
        if (!holds)
        {
            throw new UsageException(otherwise);
        }
    }

    private static Option<int> Number(string name, int otherwise, string description) =>
        new(name) { Description = description, DefaultValueFactory = _ => otherwise };

    private static Option<string> Text(string name, string otherwise, string description) =>
        new(name) { Description = description, DefaultValueFactory = _ => otherwise };

    private static Option<TimeSpan> Duration(string name, double seconds, string description) => new(name)
    {
        Description = description,
        DefaultValueFactory = _ => TimeSpan.FromSeconds(seconds),
        CustomParser = result =>
        {
            var text = result.Tokens[0].Value;
            if (GoDuration.TryParse(text, out var duration))
            {
                return duration;
            }

            result.AddError($"{name} {text} is not a duration; write a number and a unit, such as 500ms, 10s or 1m30s.");
            return TimeSpan.Zero;
        },
    };
}
