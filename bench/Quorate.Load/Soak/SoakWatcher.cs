using System.Globalization;
using System.Text.Json.Nodes;

namespace Quorate.Load.Soak;

#pragma warning disable CA5394 // A load generator needs reproducible numbers, not unpredictable ones.

/// <summary>Watches some of the keys for 5 to 60 seconds on one member, then others on the next, each over a new connection.</summary>
internal sealed class SoakWatcher(SoakOptions options, SoakCounts counts, int number)
{
    private readonly Random _random = new((options.Seed * 1_000_003) + 500_000 + number);

    public async Task RunAsync(CancellationToken ended)
    {
        for (var i = number; !ended.IsCancellationRequested; i++)
        {
            using var member = new JsonGateway(options.Endpoints[i % options.Endpoints.Length]);
            using var watching = CancellationTokenSource.CreateLinkedTokenSource(ended);
            watching.CancelAfter(TimeSpan.FromSeconds(_random.Next(5, 60)));
            await SoakLoad.CountAsync(counts, "watch", () => WatchAsync(member, watching.Token), ended);
        }
    }

    private async Task WatchAsync(JsonGateway member, CancellationToken watching)
    {
        var from = _random.Next(options.KeySpace);
        var to = Math.Min(options.KeySpace, from + (options.KeySpace / 10));
        var request = new JsonObject
        {
            ["create_request"] = new JsonObject
            {
                ["key"] = JsonGateway.Base64(from.ToString("D8", CultureInfo.InvariantCulture)),
                ["range_end"] = JsonGateway.Base64(to.ToString("D8", CultureInfo.InvariantCulture)),
            },
        };
        try
        {
            await member.StreamAsync(
                "v3/watch",
                request,
                response =>
                {
                    if (response.TryGetProperty("canceled", out var canceled) && canceled.GetBoolean())
                        throw new GatewayException(response.GetRawText());
                    if (response.TryGetProperty("events", out var events))
                        counts.Succeed("watch event", events.GetArrayLength());
                },
                watching);
            throw new GatewayException("the member has ended the stream");
        }
        catch (OperationCanceledException) when (watching.IsCancellationRequested)
        {
            // Its time is over; closing the connection cancels the watch.
        }
    }
}
