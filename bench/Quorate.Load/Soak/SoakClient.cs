using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;

namespace Quorate.Load.Soak;

#pragma warning disable CA5394 // A load generator needs reproducible numbers, not unpredictable ones.

/// <summary>One client: sends one request after the other, of a random kind, at its share of the rate.</summary>
internal sealed class SoakClient(SoakOptions options, JsonGateway member, SoakCounts counts, int number)
{
    /// <summary>The leases that a client keeps: those beyond the number are left to expire.</summary>
    private const int LeasesMax = 20;

    private readonly Random _random = new((options.Seed * 1_000_003) + number);
    private readonly Queue<string> _leases = new();
    private readonly byte[] _value = new byte[options.ValueBytes];

    public async Task RunAsync(CancellationToken ended)
    {
        var interval = options.Clients / options.Rate;
        var started = Stopwatch.GetTimestamp();
        for (var i = 1; ; i++)
        {
            var due = TimeSpan.FromSeconds(i * interval) - Stopwatch.GetElapsedTime(started);
            if (due > TimeSpan.Zero ? !await SoakLoad.DelayAsync(due, ended) : ended.IsCancellationRequested)
                return;
            var (operation, run) = Choose();
            await SoakLoad.CountAsync(counts, operation, () => run(ended), ended);
        }
    }

    private (string Operation, Func<CancellationToken, Task> Run) Choose() => _random.Next(100) switch
    {
        < 35 => ("put", ended => member.PostAsync("v3/kv/put", Put(), ended)),
        < 50 => ("get", ended => member.PostAsync("v3/kv/range", new JsonObject { ["key"] = Key() }, ended)),
        < 60 => ("range", ended => member.PostAsync("v3/kv/range", Range(), ended)),
        < 75 => ("delete", ended => member.PostAsync("v3/kv/deleterange", new JsonObject { ["key"] = Key() }, ended)),
        < 80 => ("txn", ended => member.PostAsync("v3/kv/txn", Txn(), ended)),
        < 85 => ("lease grant", GrantAsync),
        < 93 when _leases.Count > 0 => ("lease put", PutWithLeaseAsync),
        < 97 when _leases.Count > 0 => ("lease keepalive", KeepAliveAsync),
        _ when _leases.Count > 0 => ("lease revoke", RevokeAsync),
        _ => ("lease grant", GrantAsync),
    };

    private JsonObject Put()
    {
        _random.NextBytes(_value);
        return new JsonObject { ["key"] = Key(), ["value"] = JsonGateway.Base64(_value) };
    }

    private JsonObject Range() => new()
    {
        ["key"] = Key(),
        ["range_end"] = JsonGateway.Base64("9"),
        ["limit"] = 50,
        ["serializable"] = _random.Next(2) == 0,
    };

    private JsonObject Txn()
    {
        var key = Key();
        return new JsonObject
        {
            ["compare"] = new JsonArray(new JsonObject { ["key"] = key, ["target"] = "CREATE", ["create_revision"] = 0 }),
            ["success"] = new JsonArray(new JsonObject { ["request_put"] = Put() }),
            ["failure"] = new JsonArray(new JsonObject { ["request_range"] = new JsonObject { ["key"] = key } }),
        };
    }

    private async Task GrantAsync(CancellationToken ended)
    {
        var response = await member.PostAsync("v3/lease/grant", new JsonObject { ["TTL"] = _random.Next(20, 60) }, ended);
        _leases.Enqueue((string)response["ID"]!);
        if (_leases.Count > LeasesMax)
            _leases.Dequeue();
    }

    private async Task PutWithLeaseAsync(CancellationToken ended)
    {
        var put = Put();
        put["key"] = JsonGateway.Base64("lease/" + _random.Next(options.KeySpace).ToString("D8", CultureInfo.InvariantCulture));
        put["lease"] = _leases.ToArray()[_random.Next(_leases.Count)];
        await IgnoreExpiredAsync(member.PostAsync("v3/kv/put", put, ended));
    }

    private Task KeepAliveAsync(CancellationToken ended) => member.StreamAsync(
        "v3/lease/keepalive", new JsonObject { ["ID"] = _leases.ToArray()[_random.Next(_leases.Count)] }, _ => { }, ended);

    private Task RevokeAsync(CancellationToken ended) =>
        IgnoreExpiredAsync(member.PostAsync("v3/lease/revoke", new JsonObject { ["ID"] = _leases.Dequeue() }, ended));

    /// <summary>The lease may have expired: then the response that there is no such lease is the right one.</summary>
    private async Task IgnoreExpiredAsync(Task<JsonNode> call)
    {
        try
        {
            await call;
        }
        catch (GatewayException response) when (response.Message.Contains("requested lease not found", StringComparison.Ordinal))
        {
            counts.Succeed("expired lease");
        }
    }

    private string Key() => JsonGateway.Base64(_random.Next(options.KeySpace).ToString("D8", CultureInfo.InvariantCulture));
}
