using Google.Protobuf;
using Quorate.Server.Protos;

namespace Quorate.Server.Tests.Processes;

/// <summary>Members take snapshots and drop their log; one that was away fetches a snapshot; a start restores one.</summary>
[Collection(ProcessesCollection.Name)]
public sealed class SnapshotProcessTests
{
    private const int Writes = 400;
    private const int ValueBytes = 64 << 10;

    [Fact]
    public async Task A_member_that_was_away_fetches_a_snapshot_and_all_members_restart_from_theirs()
    {
        await using var cluster = await ServerCluster.StartAsync(3, "--snapshot-count=100");
        await cluster.KillAsync(3);

        // More than the entries before a snapshot that stay in the log (16 MiB).
        await Parallel.ForAsync(0, Writes, new ParallelOptions { MaxDegreeOfParallelism = 16 }, async (i, cancellation) =>
            await cluster.Kv(1 + (i % 2)).PutAsync(
                new PutRequest { Key = KeyOf(i), Value = UnsafeByteOperations.UnsafeWrap(new byte[ValueBytes]) },
                cancellationToken: cancellation));

        cluster.Start(3);
        await cluster.WaitUntilReadyAsync(3);
        Assert.Equal(Writes, (await cluster.ReadAllAsync(3)).Count);
        Assert.Contains("replaces the log of this member", cluster.GetProcess(3).Errors, StringComparison.Ordinal);

        foreach (var number in cluster.Numbers)
            await cluster.KillAsync(number);
        foreach (var number in cluster.Numbers)
        {
            Assert.NotEmpty(Directory.GetFiles(cluster.DataDirectory(number), "snapshot-*"));
            cluster.Start(number);
        }

        foreach (var number in cluster.Numbers)
        {
            await cluster.WaitUntilReadyAsync(number);
            Assert.Equal(Writes, (await cluster.ReadAllAsync(number)).Count);
        }
    }

    private static ByteString KeyOf(int i) => ByteString.CopyFromUtf8($"k{i:0000}");
}
