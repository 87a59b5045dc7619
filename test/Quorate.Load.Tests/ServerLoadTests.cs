using System.Collections.Concurrent;
using System.CommandLine;
using Google.Protobuf;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;
using Quorate.Load.Servers;
using Quorate.Server.Protos;

namespace Quorate.Load.Tests;

/// <summary>Whole measurements of Kestrel, whose responses the tests determine.</summary>
public sealed class ServerLoadTests
{
    private static readonly byte[] EmptyMessage = new byte[5];

    [Fact]
    public async Task All_requests_arrive_with_the_headers_of_gRPC_and_are_counted()
    {
        var requests = new ConcurrentBag<(string Headers, PutRequest Put)>();
        await using var server = await StartAsync(async context =>
        {
            var headers = $"{context.Request.Method} {context.Request.Scheme} {context.Request.Path} {context.Request.ContentType} "
                + $"{context.Request.Headers.TE} {context.Request.Host == new HostString(new Uri(EndpointOf(context)).Authority)}";
            requests.Add((headers, PutRequest.Parser.ParseFrom((await ReadAsync(context))[5..])));
            await RespondAsync(context, EmptyMessage);
        });

        var report = Run(server, ServerOperation.Put, options => options with { Total = 500, Clients = 10, Connections = 4, Threads = 2 });

        Assert.Equal((500, 0), (report.All.Operations, report.Failed));
        Assert.Equal(500, requests.Count);
        Assert.All(requests, request => Assert.Equal(
            "POST http /etcdserverpb.KV/Put application/grpc trailers True", request.Headers));
        Assert.Equal(500, requests.Select(request => request.Put.Value).Distinct().Count());
        Assert.True(report.GeneratorCpuSeconds > 0);
    }

    /// <summary>The windows are smaller than what is in flight, in both directions, so both sides have to wait for updates.</summary>
    [Fact]
    public async Task Flow_control_is_honoured_in_both_directions()
    {
        const int valueBytes = 3 * 1024 * 1024;
        var response = new RangeResponse();
        response.Kvs.Add(new KeyValue { Value = ByteString.CopyFrom(new byte[valueBytes]) });
        var message = response.ToByteArray();
        byte[] body = [0, .. BitConverter.GetBytes(message.Length).Reverse(), .. message];
        await using var server = await StartAsync(async context =>
        {
            await ReadAsync(context);
            await RespondAsync(context, context.Request.Path == EtcdMessages.Range ? body : EmptyMessage);
        });

        var puts = Run(server, ServerOperation.Put, options => options with { Total = 500, Clients = 50, ValueBytes = 15_000 });
        var ranges = Run(server, ServerOperation.Range, options => options with { Total = 20, Clients = 5 });

        Assert.Equal((500, 0), (puts.All.Operations, puts.Failed));
        Assert.Equal((20, 0, 20), (ranges.All.Operations, ranges.Failed, ranges.KeysRead));
    }

    [Fact]
    public async Task What_completes_while_a_file_exists_is_counted_separately_too()
    {
        var directory = Directory.CreateTempSubdirectory().FullName;
        await using var server = await StartAsync(async context =>
        {
            await ReadAsync(context);
            await RespondAsync(context, EmptyMessage);
        });
        string[] patterns = [Path.Combine(directory, "other", "*.new"), Path.Combine(directory, "snapshot-*.new")];

        var without = Run(server, ServerOperation.Put, options => options with { Total = 50, WhileFiles = patterns });
        await File.WriteAllTextAsync(Path.Combine(directory, "snapshot-1.new"), "");
        var with = Run(server, ServerOperation.Put, options => options with { Total = 50, WhileFiles = patterns });
        Directory.Delete(directory, recursive: true);

        Assert.Equal((50, 0, 50), (without.All.Operations, without.WhileFile!.Operations, without.Otherwise!.Operations));
        Assert.Equal((50, 50, 0), (with.All.Operations, with.WhileFile!.Operations, with.Otherwise!.Operations));
    }

    [Fact]
    public async Task Failed_requests_are_counted_by_their_error()
    {
        var count = 0;
        await using var server = await StartAsync(async context =>
        {
            await ReadAsync(context);
            switch (Interlocked.Increment(ref count) % 4)
            {
                case 0:
                    context.Abort();
                    break;
                case 1:
                    context.Response.StatusCode = 500;
                    break;
                case 2:
                    context.Response.Headers["grpc-status"] = "14";
                    context.Response.Headers["grpc-message"] = "no%20leader";
                    break;
                default:
                    await RespondAsync(context, EmptyMessage);
                    break;
            }
        });

        var report = Run(server, ServerOperation.Put, options => options with { Total = 40, Clients = 4 });

        Assert.Equal((10, 30), (report.All.Operations, report.Failed));
        Assert.Equal(10, report.Errors["grpc-status 14: no leader"]);
        Assert.Equal(10, report.Errors["HTTP status 500"]);
        Assert.Contains(report.Errors, error => error.Key.StartsWith("RST_STREAM", StringComparison.Ordinal) && error.Value == 10);
    }

    [Fact]
    public async Task The_clients_of_a_stopped_server_stop_and_their_requests_are_errors()
    {
        var isStopping = new TaskCompletionSource();
        await using var server = await StartAsync(async context =>
        {
            await ReadAsync(context);
            isStopping.TrySetResult();
            await Task.Delay(Timeout.Infinite, context.RequestAborted);
        });
        var stopped = Task.Run(async () =>
        {
            await isStopping.Task;
            using var atOnce = new CancellationTokenSource(0);
            await server.StopAsync(atOnce.Token);
        });

        var report = Run(server, ServerOperation.Put, options => options with { Total = 1000, Clients = 4 });
        await stopped;

        Assert.Equal((0, 4), (report.All.Operations, report.Failed));
    }

    [Theory]
    [InlineData("server put --clients 0", "--clients must be at least 1.")]
    [InlineData("server put --key-size 2 --key-space 1000", "the minimum is 3")]
    [InlineData("server put --val-size 16000", "to fit into one frame")]
    [InlineData("server put --rate 0", "--rate must be more than 0.")]
    [InlineData("server put --threads 2", "--threads must be from 1 to the number of connections, 1.")]
    [InlineData("server range --endpoints https://here", "is not a plaintext endpoint")]
    [InlineData("server range --duration soon", "is not a duration")]
    public async Task An_invalid_command_line_exits_with_1_and_names_the_error(string line, string expectedError)
    {
        var (exitCode, error) = await RunCommandAsync(line);

        Assert.Equal(1, exitCode);
        Assert.Contains(expectedError, error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_unreachable_endpoint_exits_with_3()
    {
        // Port 1 is reserved for an obsolete service; nothing listens there.
        var (exitCode, error) = await RunCommandAsync("server put --endpoints 127.0.0.1:1");

        Assert.Equal(3, exitCode);
        Assert.Contains("127.0.0.1:1", error, StringComparison.Ordinal);
    }

    private static ServerLoadReport Run(WebApplication server, ServerOperation operation, Func<ServerLoadOptions, ServerLoadOptions> set) =>
        ServerLoad.Run(
            set(new ServerLoadOptions
            {
                Operation = operation,
                Endpoints = [new Uri(server.Urls.Single())],
                Warmup = TimeSpan.Zero,
                Timeout = TimeSpan.FromMinutes(1),
            }),
            CancellationToken.None);

    private static async Task<(int ExitCode, string Error)> RunCommandAsync(string line)
    {
        using var error = new StringWriter();
        using var output = new StringWriter();
        var exitCode = await LoadCommand.Create().Parse(line).InvokeAsync(
            new InvocationConfiguration { Output = output, Error = error });
        return (exitCode, error.ToString());
    }

    /// <summary>Starts a server that answers status requests, and everything else with <paramref name="respond"/>.</summary>
    private static async Task<WebApplication> StartAsync(RequestDelegate respond)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.ConfigureEndpointDefaults(endpoint => endpoint.Protocols = HttpProtocols.Http2);
            kestrel.Limits.Http2.InitialConnectionWindowSize = 65_535;
            kestrel.Limits.Http2.InitialStreamWindowSize = 65_535;
        });
        var server = builder.Build();
        server.Run(context => context.Request.Path == EtcdMessages.Status ? RespondAsync(context, EmptyMessage) : respond(context));
        await server.StartAsync();
        return server;
    }

    private static string EndpointOf(HttpContext context) => $"http://127.0.0.1:{context.Connection.LocalPort}";

    private static async Task<byte[]> ReadAsync(HttpContext context)
    {
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body);
        return body.ToArray();
    }

    private static async Task RespondAsync(HttpContext context, byte[] body)
    {
        context.Response.ContentType = "application/grpc";
        context.Response.DeclareTrailer("grpc-status");
        await context.Response.Body.WriteAsync(body);
        context.Response.AppendTrailer("grpc-status", "0");
    }
}
