using System.Net;
using System.Net.Sockets;
using Google.Protobuf;
using Quorate.Server.Protos;

namespace Quorate.Server.Tests.Processes;

/// <summary>A member whose clients open more connections than the process may have files continues to serve and to write.</summary>
[Collection(ProcessesCollection.Name)]
public sealed class OpenFileLimitTests
{
    private const int Files = 256;

    // A segment of the log is 64 MiB: so many of these values need a second one, and the beginning of a third.
    private const int ValueBytes = 1_400_000;
    private const int Values = 100;

    [Fact]
    public async Task Idle_connections_beyond_the_limit_are_closed_and_the_log_gets_its_next_segments()
    {
        if (OperatingSystem.IsWindows())
            Assert.Skip("there is no limit of open files to lower on Windows");
        await using var cluster = ServerCluster.CreateStopped(1);
        cluster.StartWithOpenFileLimit(1, Files);
        await cluster.WaitUntilReadyAsync(1);
        var member = cluster.GetProcess(1);
        await member.WaitForLogAsync($"client connections, because of the limit of {Files} open files");

        var idle = new List<TcpClient>();
        for (var i = 0; i < 3 * Files; i++)
        {
            idle.Add(new TcpClient());
            await idle[i].ConnectAsync(IPEndPoint.Parse(cluster.Endpoint(1)));
        }

        await member.WaitForLogAsync("client connection(s) refused");
        for (var i = 0; i < Values; i++)
        {
            await cluster.Kv(1).PutAsync(
                new PutRequest { Key = "k"u8.ToByteString(), Value = ByteString.CopyFrom(new byte[ValueBytes]) },
                deadline: DateTime.UtcNow.AddSeconds(30));
        }

        Assert.False(member.HasExited, member.Errors);
        Assert.True(Directory.GetFiles(cluster.DataDirectory(1), "wal-*", SearchOption.AllDirectories).Length >= 3);
        foreach (var connection in idle)
            connection.Dispose();

        // Places are free again: new connections are served.
        using var http = new HttpClient { BaseAddress = new Uri($"http://{cluster.Endpoint(1)}") };
        var deadline = Environment.TickCount64 + 30_000;
        while (true)
        {
            try
            {
                Assert.Contains("true", await http.GetStringAsync(new Uri("/health", UriKind.Relative)), StringComparison.Ordinal);
                break;
            }
            catch (HttpRequestException) when (Environment.TickCount64 < deadline)
            {
                await Task.Delay(20);
            }
        }
    }
}
