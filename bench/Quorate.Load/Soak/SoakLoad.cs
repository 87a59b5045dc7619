using System.Text.Json.Nodes;

namespace Quorate.Load.Soak;

/// <summary>Runs the clients, the watchers and the compactions of a soak run until its end.</summary>
internal static class SoakLoad
{
    public static async Task RunAsync(SoakOptions options, SoakCounts counts, CancellationToken stop)
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(stop);
        ended.CancelAfter(options.Duration);
        var members = options.Endpoints.Select(endpoint => new JsonGateway(endpoint)).ToArray();
        try
        {
            await Task.WhenAll(
            [
                CompactAsync(options, members, counts, ended.Token),
                .. Enumerable.Range(0, options.Clients).Select(client =>
                    new SoakClient(options, members[client % members.Length], counts, client).RunAsync(ended.Token)),
                .. Enumerable.Range(0, options.Watchers).Select(watcher => new SoakWatcher(options, counts, watcher).RunAsync(ended.Token)),
            ]);
        }
        finally
        {
            foreach (var member in members)
                member.Dispose();
        }
    }

    /// <summary>Runs an operation, and counts how it ended.</summary>
    public static async Task CountAsync(SoakCounts counts, string operation, Func<Task> run, CancellationToken ended)
    {
        try
        {
            await run();
            counts.Succeed(operation);
        }
        catch (Exception) when (ended.IsCancellationRequested)
        {
            // The run has ended; what was in flight is not counted.
        }
        catch (Exception failure) when (failure is GatewayException or HttpRequestException or IOException or OperationCanceledException)
        {
            counts.Fail(operation, failure.Message);
        }
    }

    private static async Task CompactAsync(SoakOptions options, JsonGateway[] members, SoakCounts counts, CancellationToken ended)
    {
        var revision = 0L;
        for (var i = 0; await DelayAsync(options.CompactionInterval, ended); i++)
        {
            var member = members[i % members.Length];
            await CountAsync(
                counts,
                "compact",
                async () =>
                {
                    if (revision > 0)
                    {
                        await member.PostAsync(
                            "v3/kv/compaction", new JsonObject { ["revision"] = revision, ["physical"] = true }, ended);
                    }

                    var response = await member.PostAsync("v3/kv/range", new JsonObject { ["key"] = JsonGateway.Base64("0") }, ended);
                    revision = long.Parse((string)response["header"]!["revision"]!, null);
                },
                ended);
        }
    }

    /// <summary>Waits; returns false when the run has ended.</summary>
    public static async Task<bool> DelayAsync(TimeSpan delay, CancellationToken ended)
    {
        await Task.Delay(delay, ended).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return !ended.IsCancellationRequested;
    }
}
