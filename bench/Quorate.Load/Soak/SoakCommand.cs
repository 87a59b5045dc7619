using System.CommandLine;
using Quorate.Server.Settings;

namespace Quorate.Load.Soak;

/// <summary>The <c>soak</c> command: requests of every kind at a fixed rate for a long time, over the JSON gateway.</summary>
internal static class SoakCommand
{
    private const string Help =
        """
        Sends requests of every kind at a fixed rate to a server with the etcd v3 API, over its JSON gateway: puts, gets, ranges, deletes,
        transactions, leases that expire or are revoked, keepalives, compactions, and watches that begin and end.

        The report goes to stdout. Exit codes: 0 every request succeeded, 1 the command line is invalid, 2 some requests failed.
        """;

    public static Command Create()
    {
        var endpoints = new Option<string>("--endpoints")
        {
            Description = "Comma-separated endpoints: host:port.",
            DefaultValueFactory = _ => "127.0.0.1:2379",
        };
        var duration = new Option<TimeSpan>("--duration")
        {
            Description = "How long to send requests: 30s, 60m.",
            DefaultValueFactory = _ => TimeSpan.FromMinutes(1),
            CustomParser = result =>
            {
                if (GoDuration.TryParse(result.Tokens[0].Value, out var parsed))
                    return parsed;
                result.AddError("--duration is a number and a unit, such as 30s or 60m.");
                return TimeSpan.Zero;
            },
        };
        var rate = new Option<double>("--rate") { Description = "Requests per second.", DefaultValueFactory = _ => 300 };
        var clients = new Option<int>("--clients") { Description = "Clients that share the rate.", DefaultValueFactory = _ => 16 };
        var watchers = new Option<int>("--watchers") { Description = "Watches at any time.", DefaultValueFactory = _ => 16 };
        var keySpace = new Option<int>("--key-space") { Description = "Number of distinct keys.", DefaultValueFactory = _ => 50_000 };
        var valueSize = new Option<int>("--val-size") { Description = "Value size in bytes.", DefaultValueFactory = _ => 256 };

        var command = new Command("soak", Help) { endpoints, duration, rate, clients, watchers, keySpace, valueSize };
        command.SetAction(async (parsed, stop) =>
        {
            var options = new SoakOptions
            {
                Endpoints =
                [
                    .. parsed.GetRequiredValue(endpoints).Split(',', StringSplitOptions.RemoveEmptyEntries)
                        .Select(endpoint => new Uri("http://" + endpoint)),
                ],
                Duration = parsed.GetValue(duration),
                Rate = parsed.GetValue(rate),
                Clients = parsed.GetValue(clients),
                Watchers = parsed.GetValue(watchers),
                KeySpace = parsed.GetValue(keySpace),
                ValueBytes = parsed.GetValue(valueSize),
            };
            var counts = new SoakCounts();
            await SoakLoad.RunAsync(options, counts, stop);
            counts.Write(parsed.InvocationConfiguration.Output);
            return counts.Failed > 0 ? 2 : 0;
        });
        return command;
    }
}

/// <summary>The load of one run of the <c>soak</c> command.</summary>
internal sealed record SoakOptions
{
    public required Uri[] Endpoints { get; init; }

    public required TimeSpan Duration { get; init; }

    /// <summary>The requests per second of all clients together, without watches and compactions.</summary>
    public required double Rate { get; init; }

    public required int Clients { get; init; }

    public required int Watchers { get; init; }

    public required int KeySpace { get; init; }

    public required int ValueBytes { get; init; }

    /// <summary>The time between two compactions; each one compacts to the revision at the time of the one before.</summary>
    public TimeSpan CompactionInterval { get; init; } = TimeSpan.FromSeconds(30);

    public int Seed { get; init; } = 1;
}
