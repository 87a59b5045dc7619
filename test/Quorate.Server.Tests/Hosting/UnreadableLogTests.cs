using Microsoft.Extensions.Logging.Abstractions;
using Quorate.Kv;
using Quorate.Node;
using Quorate.Node.Transport;
using Quorate.Raft;
using Quorate.Server.Hosting;
using Quorate.Server.Settings;

namespace Quorate.Server.Tests.Hosting;

/// <summary>A committed command that the store cannot decode is an error of the start that names the entry, wrapped once.</summary>
public sealed class UnreadableLogTests
{
    [Fact]
    public async Task A_log_with_an_unknown_command_fails_the_start_with_what_why_and_what_to_do()
    {
        using var directory = new TemporaryDirectory();
        var settings = ServerFixture.ParseSettings(
            "--name=n0", $"--data-dir={directory.Path}/n0", "--listen-client-urls=http://127.0.0.1:0",
            "--listen-peer-urls=http://127.0.0.1:0", "--initial-advertise-peer-urls=http://127.0.0.1:1", "--heartbeat-interval=20",
            "--election-timeout=100");
        await using (await QuorateServer.StartAsync(settings, NullLoggerFactory.Instance, CancellationToken.None))
        {
            // It has created the data directory.
        }

        await CommitUnknownCommandAsync(settings);

        var error = await Assert.ThrowsAsync<StartupException>(
            () => QuorateServer.StartAsync(settings, NullLoggerFactory.Instance, CancellationToken.None));
        Assert.Equal(StartupErrorKind.Failed, error.Kind);
        Assert.StartsWith("the write-ahead log contains a command that this version cannot apply.", error.What, StringComparison.Ordinal);
        Assert.Single(error.Why.Split("The state machine threw").Skip(1));
        var fault = Assert.IsType<StateMachineException>(error.InnerException);
        Assert.IsType<KvCommandFormatException>(fault.InnerException);
    }

    private static async Task CommitUnknownCommandAsync(ServerSettings settings)
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
        await using var node = await RaftNode.StartAsync(options, new AnyCommand());
        await node.WaitForLeaderAsync();

        // The log records that an entry is committed when a later entry is written.
        for (var i = 0; i < 3; i++)
            Assert.True((await node.ProposeAsync(new byte[] { 0xFF }, CancellationToken.None)).IsCommitted);
    }

    /// <summary>A state machine that accepts every command.</summary>
    private sealed class AnyCommand : IStateMachine<int>
    {
        public int Apply(in CommittedCommand command) => 0;

        public void BatchApplied(LogIndex last)
        {
        }
    }
}
