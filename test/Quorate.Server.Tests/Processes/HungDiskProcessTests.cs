using Grpc.Core;
using Quorate.Cli;
using Quorate.Server.Protos;

namespace Quorate.Server.Tests.Processes;

/// <summary>SIGTERM ends a member whose disk completes no flush any more (docs/operating/disks.md).</summary>
[Collection(ProcessesCollection.Name)]
public sealed class HungDiskProcessTests
{
    /// <summary>Calls are drained for one second, the host closes within three, the node waits for its disk for five.</summary>
    private static readonly TimeSpan ShutdownMax = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task SIGTERM_ends_a_member_whose_disk_hangs_and_its_pending_writes_receive_an_error()
    {
        await using var cluster = ServerCluster.CreateStopped(1);
        cluster.StartWithFlushDelay(1);
        await cluster.WaitUntilReadyAsync(1);
        cluster.DelayFlushes(1, TimeSpan.FromMinutes(10));
        var pending = await WriteUntilOneHangsAsync(cluster);

        await cluster.GetProcess(1).TerminateAsync();

        Assert.Equal(ExitCode.Ok, await cluster.GetProcess(1).WaitForExitAsync(ShutdownMax));
        await Assert.ThrowsAsync<RpcException>(() => pending);
        Assert.Contains("has not completed a call for 5.0 s", cluster.GetProcess(1).Errors, StringComparison.Ordinal);
    }

    private static async Task<Task> WriteUntilOneHangsAsync(ServerCluster cluster)
    {
        while (true)
        {
            Task write = cluster.Kv(1).PutAsync(new PutRequest { Key = "key"u8.ToByteString() }).ResponseAsync;
            if (await Task.WhenAny(write, Task.Delay(TimeSpan.FromSeconds(1))) != write)
                return write;
            await write;
        }
    }
}
