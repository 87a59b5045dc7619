using System.CommandLine;
using System.Globalization;

namespace Quorate.Cli.Bench;

/// <summary>The command-line options that all workloads share, and their conversion to <see cref="BenchOptions"/>.</summary>
internal sealed class BenchArguments
{
    // A connection carries many concurrent requests, but a server may limit them to 100 (Kestrel's default). Further requests would queue
    // in this process, and their queueing would be measured.
    private const int ClientsPerConnectionMax = 64;

    private readonly Option<string> _endpoints = CommandOptions.Endpoints();

    private readonly Option<int> _clients = new("--clients")
    {
        Description = "Number of clients; each has one pending request.",
        DefaultValueFactory = _ => 1,
    };

    private readonly Option<int> _connections = new("--connections")
    {
        Description = "Number of HTTP/2 connections. Default: one per endpoint, more if a connection would carry over 64 clients.",
    };

    private readonly Option<int> _keySize = new("--key-size") { Description = "Key size in bytes.", DefaultValueFactory = _ => 8 };
    private readonly Option<int> _valueSize = new("--val-size") { Description = "Value size in bytes.", DefaultValueFactory = _ => 256 };
    private readonly Option<int> _keySpace = new("--key-space")
    {
        Description = "Number of distinct keys.",
        DefaultValueFactory = _ => 100_000,
    };
    private readonly Option<bool> _sequential = new("--sequential-keys") { Description = "Use keys in sequence instead of at random." };
    private readonly Option<long?> _total = new("--total") { Description = "Number of requests to measure, instead of a duration." };
    private readonly Option<TimeSpan?> _duration =
        CommandOptions.Duration("--duration", "Duration of the measurement: 500ms, 10s, 2m. [default: 10s]");
    private readonly Option<TimeSpan?> _warmup =
        CommandOptions.Duration("--warmup", "Duration of the warm-up before the measurement. [default: 1s]");
    private readonly Option<double?> _rate = new("--rate") { Description = "Requests per second of all clients together (open loop)." };
    private readonly Option<TimeSpan?> _timeout = CommandOptions.Duration("--timeout", "Timeout of a request. [default: 5s]");
    private readonly Option<int> _seed = new("--seed")
    {
        Description = "Seed of the random keys and values; the same seed gives the same ones.",
        DefaultValueFactory = _ => 1,
    };
    private readonly Option<bool> _targetLeader = new("--target-leader")
    {
        Description = "Send all requests to the leader, found through the status of all endpoints.",
    };
    private readonly Option<string> _output = new("--output", "-o", "-w")
    {
        Description = "Output format: simple, table or json.",
        DefaultValueFactory = _ => "simple",
    };
    private readonly Option<bool> _noProgress = new("--no-progress") { Description = "Show no progress on the terminal." };

    private readonly Option<string> _consistency = new("--consistency")
    {
        Description = "Consistency of reads: l (linearizable) or s (serializable: the local state of the member).",
        DefaultValueFactory = _ => "l",
    };

    private readonly Option<long> _limit = new("--limit")
    {
        Description = "Maximum number of keys a read returns; 0: a single key, or all keys under --prefix.",
    };
    private readonly Option<string?> _prefix = new("--prefix") { Description = "Read the keys that begin with this prefix." };

    public void AddTo(Command command, bool includeRange)
    {
        Option[] always =
        [
            _endpoints, _clients, _connections, _keySize, _valueSize, _keySpace, _sequential, _total, _duration, _warmup, _rate, _timeout,
            _seed, _targetLeader, _output, _noProgress,
        ];
        Option[] ofRanges = [_consistency, _limit, _prefix];
        foreach (var option in includeRange ? [.. always, .. ofRanges] : always)
        {
            command.Add(option);
        }

        _output.AcceptOnlyFromAmong("simple", "table", "json");
        _consistency.AcceptOnlyFromAmong("l", "s");
    }

    /// <exception cref="BenchUsageException">The options are out of range or contradict each other.</exception>
    public BenchOptions Parse(ParseResult parsed, string verb, IReadOnlyList<double> shares)
    {
        var endpoints = Endpoints(parsed.GetValue(_endpoints));
        var clients = parsed.GetValue(_clients);
        var targets = parsed.GetValue(_targetLeader) ? 1 : endpoints.Count;
        var connections = parsed.GetValue(_connections);
        var options = new BenchOptions
        {
            Verb = verb,
            Endpoints = endpoints,
            Clients = clients,
            Connections = connections > 0 ? connections : DefaultConnections(clients, targets),
            KeyBytes = parsed.GetValue(_keySize),
            ValueBytes = parsed.GetValue(_valueSize),
            KeySpace = parsed.GetValue(_keySpace),
            SequentialKeys = parsed.GetValue(_sequential),
            Total = parsed.GetValue(_total),
            Duration = parsed.GetValue(_duration) ?? TimeSpan.FromSeconds(10),
            Warmup = parsed.GetValue(_warmup) ?? TimeSpan.FromSeconds(1),
            Rate = parsed.GetValue(_rate),
            Timeout = parsed.GetValue(_timeout) ?? TimeSpan.FromSeconds(5),
            Seed = parsed.GetValue(_seed),
            TargetLeader = parsed.GetValue(_targetLeader),
            Serializable = parsed.GetValue(_consistency) == "s",
            Limit = parsed.GetValue(_limit),
            Prefix = parsed.GetValue(_prefix),
            Shares = shares,
        };
        Validate(options);
        return options;
    }

    public string Format(ParseResult parsed) => parsed.GetRequiredValue(_output);

    public bool ShowsProgress(ParseResult parsed) => !parsed.GetValue(_noProgress) && !Console.IsErrorRedirected;

    /// <summary>
    /// Returns the default number of connections: the same number for each endpoint, and as few as <see cref="ClientsPerConnectionMax"/>
    /// allows.
    /// </summary>
    private static int DefaultConnections(int clients, int endpoints)
    {
        var each = (clients + (endpoints * ClientsPerConnectionMax) - 1) / (endpoints * ClientsPerConnectionMax);
        return Math.Min(clients, each * endpoints);
    }

    private static List<Uri> Endpoints(string? given)
    {
        var endpoints = CommandOptions.ParseEndpoints(given, out var error);
        return error is null ? endpoints : throw new BenchUsageException(error);
    }

    /// <summary>Validates the options after parsing, with defaults applied.</summary>
    private static void Validate(BenchOptions options)
    {
        var keyDigits = (options.KeySpace - 1).ToString(CultureInfo.InvariantCulture).Length;
        Require(options.Clients >= 1, "--clients must be at least 1.");
        Require(options.KeySpace >= 1, "--key-space must be at least 1.");
        Require(options.ValueBytes >= 0, "--val-size must be at least 0.");
        Require(options.Limit >= 0, "--limit must be at least 0.");
        Require(
            options.KeyBytes >= keyDigits,
            $"--key-size {options.KeyBytes} cannot represent {options.KeySpace} distinct keys; the minimum is {keyDigits}.");
        Require(options.Rate is null or > 0, "--rate must be more than 0.");
        Require(options.Total is null or > 0, "--total must be more than 0.");
        Require(options.Timeout > TimeSpan.Zero, "--timeout must be more than 0.");

        static void Require(bool holds, string otherwise)
        {
            if (!holds)
            {
                throw new BenchUsageException(otherwise);
            }
        }
    }
}

/// <summary>The options are out of range or contradict each other; the message contains the option and the valid range.</summary>
internal sealed class BenchUsageException(string message) : Exception(message);
