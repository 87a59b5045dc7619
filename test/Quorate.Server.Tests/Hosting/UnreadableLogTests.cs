using Microsoft.Extensions.Logging;
using Quorate.Node;
using Quorate.Node.Transport;
using Quorate.Raft;
using Quorate.Server.Hosting;
using Quorate.Server.Settings;

namespace Quorate.Server.Tests.Hosting;

/// <summary>Committed entries that are no commands do not keep a member from starting; they are logged and counted.</summary>
public sealed class UnreadableLogTests
{
    [Fact]
    public async Task A_log_with_entries_that_are_no_commands_is_served_and_reported()
    {
        using var directory = new TemporaryDirectory();
        var settings = ServerFixture.ParseSettings(
            "--name=n0", $"--data-dir={directory.Path}/n0", "--listen-client-urls=http://127.0.0.1:0",
            "--listen-peer-urls=http://127.0.0.1:0", "--initial-advertise-peer-urls=http://127.0.0.1:1", "--heartbeat-interval=20",
            "--election-timeout=100");
        using var logs = new LastMessages();
        await using (await QuorateServer.StartAsync(settings, logs, CancellationToken.None))
        {
            // It has created the data directory.
        }

        Assert.DoesNotContain(logs.Texts, text => text.Contains("is no command", StringComparison.Ordinal));
        var first = await CommitAsync(settings, [[0xFF], [], [0xE1, 0xFF, 0xFF]]);

        await using var server = await QuorateServer.StartAsync(settings, logs, CancellationToken.None);
        using var client = new HttpClient { BaseAddress = new Uri(server.ClientUrls[0]) };
        await Eventually.IsTrueAsync(() => server.Status.AppliedIndex.Value > first + 2, "the entries are applied");

        var metrics = await client.GetStringAsync(new Uri("/metrics", UriKind.Relative));
        Assert.Contains("\nquorate_server_undecodable_commands_total 3\n", metrics, StringComparison.Ordinal);
        Assert.Equal(
            $"entry {first} of the log, 1 bytes, is no command and has no effect on any member; 1 such entries since the start",
            Assert.Single(logs.Texts, text => text.Contains("is no command", StringComparison.Ordinal)));
        using var put = new StringContent("""{"key":"YQ==","value":"Yg=="}""");
        using var response = await client.PostAsync(new Uri("/v3/kv/put", UriKind.Relative), put);
        Assert.Contains("\"revision\": \"2\"", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    /// <summary>Commits commands as an embedder could. Returns the index of the first one.</summary>
    private static async Task<ulong> CommitAsync(ServerSettings settings, byte[][] commands)
    {
        var options = new RaftNodeOptions
        {
            NodeId = settings.Self.Id,
            ClusterId = settings.ClusterId,
            DataDirectory = settings.DataDirectory,
            Members = new Dictionary<NodeId, PeerAddress> { [settings.Self.Id] = new("127.0.0.1", 0) },
            ElectionTimeout = settings.ElectionTimeout,
            HeartbeatInterval = settings.HeartbeatInterval,
        };
        await using var node = await RaftNode.StartAsync(options, new IndexOfCommand());
        await node.WaitForLeaderAsync();
        var first = 0UL;
        foreach (var command in commands)
        {
            var result = await node.ProposeAsync(command, CancellationToken.None);
            Assert.True(result.IsCommitted);
            first = first == 0 ? result.Result : first;
        }

        return first;
    }

    /// <summary>A state machine that accepts every command and returns its index.</summary>
    private sealed class IndexOfCommand : IStateMachine<ulong>
    {
        public ulong Apply(in CommittedCommand command) => command.Id.Index.Value;
    }

    private sealed class LastMessages : ILoggerFactory, ILogger
    {
        public List<string> Texts { get; } = [];

        public ILogger CreateLogger(string categoryName) => this;

        public void AddProvider(ILoggerProvider provider)
        {
        }

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            lock (Texts)
                Texts.Add(formatter(state, exception));
        }

        public void Dispose()
        {
        }
    }
}
