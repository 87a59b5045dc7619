using System.Runtime.CompilerServices;
using Google.Protobuf;
using Grpc.Net.Client;
using Microsoft.Extensions.Logging.Abstractions;
using Quorate.Server.Hosting;
using Quorate.Server.Protos;
using Quorate.Server.Settings;

namespace Quorate.Server.Tests;

/// <summary>Starts servers and clients on loopback, with temporary directories.</summary>
internal static class ServerFixture
{
    /// <summary>Parses settings from a command line.</summary>
    public static ServerSettings ParseSettings(params string[] arguments) =>
        SettingsParser.Parse(ParsedFlags.Parse(arguments, new Dictionary<string, string>()));

    /// <summary>Starts a cluster of one and waits until it leads. The operating system chooses its ports.</summary>
    public static async Task<RunningServer> StartAsync(params string[] arguments)
    {
        var directory = new TemporaryDirectory();
        string[] defaults =
        [
            "--name=n0", $"--data-dir={directory.Path}/n0", "--listen-client-urls=http://127.0.0.1:0",
            "--listen-peer-urls=http://127.0.0.1:0",
            "--initial-advertise-peer-urls=http://127.0.0.1:1", "--heartbeat-interval=20", "--election-timeout=100",
        ];
        try
        {
            var server = await QuorateServer.StartAsync(ParseSettings([.. defaults, .. arguments]), NullLoggerFactory.Instance,
                CancellationToken.None);
            var running = new RunningServer(server, directory);
            await Eventually.IsTrueAsync(() => server.Status.HasLeader, "the member leads");
            return running;
        }
        catch
        {
            directory.Dispose();
            throw;
        }
    }

    /// <summary>Starts one member of three; the others do not run, so there is no leader.</summary>
    public static async Task<RunningServer> StartWithoutQuorumAsync()
    {
        var directory = new TemporaryDirectory();

        // No process listens on the other members' ports, which only root could open.
        var settings = ParseSettings(
            "--name=n0", $"--data-dir={directory.Path}/n0", "--listen-client-urls=http://127.0.0.1:0",
            "--listen-peer-urls=http://127.0.0.1:0",
            "--initial-cluster=n0=http://127.0.0.1:1,n1=http://127.0.0.1:2,n2=http://127.0.0.1:3", "--heartbeat-interval=20",
            "--election-timeout=100");
        return new RunningServer(await QuorateServer.StartAsync(settings, NullLoggerFactory.Instance, CancellationToken.None), directory);
    }

    /// <summary>The root of the checkout that these tests were built from.</summary>
    public static string RepositoryRoot { get; } = FindRepositoryRoot();

    /// <summary>Returns the UTF-8 bytes of a text.</summary>
    public static ByteString Utf8(string text) => ByteString.CopyFromUtf8(text);

    private static string FindRepositoryRoot([CallerFilePath] string callerPath = "")
    {
        var directory = Path.GetDirectoryName(callerPath);
        while (directory is not null && !File.Exists(Path.Combine(directory, "Quorate.slnx")))
            directory = Path.GetDirectoryName(directory);
        return directory ?? throw new InvalidOperationException($"no Quorate.slnx above {callerPath}: run the tests from a checkout");
    }
}

/// <summary>A server, and clients of it.</summary>
internal sealed class RunningServer(QuorateServer server, TemporaryDirectory directory) : IAsyncDisposable
{
    private readonly GrpcChannel _channel = GrpcChannel.ForAddress(server.ClientUrls[0]);

    public QuorateServer Server => server;

    public string Url => server.ClientUrls[0];

    public GrpcChannel Channel => _channel;

    public KV.KVClient Kv => new(_channel);

    public HttpClient Http { get; } = new() { BaseAddress = new Uri(server.ClientUrls[0]) };

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        _channel.Dispose();
        await server.DisposeAsync();
        directory.Dispose();
    }
}

/// <summary>A temporary directory that is removed with its contents.</summary>
internal sealed class TemporaryDirectory : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("quorate-test-").FullName;

    public void Dispose() => Directory.Delete(Path, recursive: true);
}

/// <summary>Waits for a condition, with a timeout.</summary>
internal static class Eventually
{
    public static Task IsTrueAsync(Func<bool> condition, string what) => IsTrueAsync(() => Task.FromResult(condition()), what);

    public static async Task IsTrueAsync(Func<Task<bool>> condition, string what)
    {
        using var poll = new PeriodicTimer(TimeSpan.FromMilliseconds(10));
        var deadline = DateTime.UtcNow.AddSeconds(30);
        while (!await condition())
        {
            Assert.True(DateTime.UtcNow < deadline, $"within 30 s: {what}");
            await poll.WaitForNextTickAsync();
        }
    }
}
