using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Quorate.Load.Soak;

namespace Quorate.Load.Tests;

/// <summary>Soak runs against Kestrel, whose responses the tests determine.</summary>
public sealed class SoakTests
{
    [Fact]
    public async Task Responses_are_counted_by_operation_and_an_error_response_by_its_text()
    {
        await using var server = await StartAsync(path => path == "/v3/kv/deleterange" ? (503, "no leader") : (200, ResponseTo(path)));

        var counts = await RunAsync(server, stopAfter: "lease grant");

        Assert.True(counts.Of("put") > 0 && counts.Of("range") > 0 && counts.Of("watch event") > 0);
        Assert.Equal(0, counts.Of("delete"));
        var report = new StringWriter();
        counts.Write(report);
        Assert.Contains("x delete: no leader", report.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_watch_that_the_server_ends_is_a_failure()
    {
        await using var server = await StartAsync(path =>
            (200, path == "/v3/watch" ? """{"result":{"canceled":true}}""" : ResponseTo(path)));

        var counts = await RunAsync(server, stopAfter: "lease grant");

        Assert.True(counts.Failed > 0);
    }

    [Fact]
    public async Task A_run_without_errors_has_no_failure()
    {
        await using var server = await StartAsync(path => (200, ResponseTo(path)));

        var counts = await RunAsync(server, stopAfter: "lease grant");

        Assert.Equal(0, counts.Failed);
    }

    private static string ResponseTo(string path) => path switch
    {
        "/v3/watch" => """{"result":{"events":[{},{}]}}""",
        "/v3/lease/grant" => """{"ID":"7","TTL":"30"}""",
        "/v3/lease/keepalive" => """{"result":{"ID":"7"}}""",
        _ => """{"header":{"revision":"5"}}""",
    };

    /// <summary>Runs until enough operations of a kind have succeeded that every other kind has been drawn.</summary>
    private static async Task<SoakCounts> RunAsync(WebApplication server, string stopAfter)
    {
        using var stop = new CancellationTokenSource();
        var counts = new SoakCounts();
        var options = new SoakOptions
        {
            Endpoints = [new Uri(server.Urls.First())],
            Duration = TimeSpan.FromMinutes(5),
            Rate = 2000,
            Clients = 4,
            Watchers = 2,
            KeySpace = 100,
            ValueBytes = 10,
            CompactionInterval = TimeSpan.FromMilliseconds(50),
        };
        var run = SoakLoad.RunAsync(options, counts, stop.Token);
        using var poll = new PeriodicTimer(TimeSpan.FromMilliseconds(10));
        while (counts.Of(stopAfter) < 10)
        {
            Assert.False(run.IsCompleted, $"the run ended with {counts.Of(stopAfter)} of 10 operations: {stopAfter}");
            await poll.WaitForNextTickAsync();
        }

        await stop.CancelAsync();
        await run;
        return counts;
    }

    /// <summary>Starts a server. A watch stays open after its response, unless the response cancels it.</summary>
    private static async Task<WebApplication> StartAsync(Func<string, (int Status, string Body)> respond)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var server = builder.Build();
        server.Run(async context =>
        {
            var request = await JsonNode.ParseAsync(context.Request.Body, cancellationToken: context.RequestAborted);
            Assert.NotNull(request);
            var (status, body) = respond(context.Request.Path.Value!);
            context.Response.StatusCode = status;
            await context.Response.WriteAsync(body + "\n", context.RequestAborted);
            if (context.Request.Path.Value == "/v3/watch" && !body.Contains("canceled", StringComparison.Ordinal))
            {
                await context.Response.Body.FlushAsync(context.RequestAborted);
                await Task.Delay(Timeout.Infinite, context.RequestAborted).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        });
        await server.StartAsync();
        return server;
    }
}
