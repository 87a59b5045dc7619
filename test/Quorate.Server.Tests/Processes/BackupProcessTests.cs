using System.Globalization;
using System.Text.Json;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;
using Quorate.Cli;
using Quorate.Server.Protos;

namespace Quorate.Server.Tests.Processes;

/// <summary>Backups of real processes: saved while clients write, and restored to new clusters.</summary>
[Collection(ProcessesCollection.Name)]
public sealed class BackupProcessTests : IAsyncLifetime
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(120);

    private readonly TemporaryDirectory _directory = new();
    private ServerCluster _source = null!;

    private string BackupPath => Path.Combine(_directory.Path, "backup");

    public async ValueTask InitializeAsync() => _source = await ServerCluster.StartAsync(3);

    public async ValueTask DisposeAsync()
    {
        await _source.DisposeAsync();
        _directory.Dispose();
    }

    [Fact]
    public async Task A_backup_that_is_saved_under_load_is_restored_to_clusters_of_one_three_and_five()
    {
        var lease = await new Lease.LeaseClient(ChannelOf(1)).LeaseGrantAsync(new LeaseGrantRequest { ID = 0x77, TTL = 1000 });
        await _source.Kv(1).PutAsync(new PutRequest { Key = Utf8("leased"), Value = Utf8("v"), Lease = lease.ID });
        await _source.Kv(1).PutAsync(new PutRequest { Key = Utf8("history"), Value = Utf8("old") });
        var old = await _source.Kv(1).PutAsync(new PutRequest { Key = Utf8("history"), Value = Utf8("new") });

        using var stop = new CancellationTokenSource();
        var acknowledged = new long[4];
        var writers = Enumerable.Range(0, acknowledged.Length).Select(writer => WriteAsync(writer, acknowledged, stop.Token)).ToArray();
        await Eventually.IsTrueAsync(() => acknowledged.All(static n => n > 50), "the writers write");
        var before = acknowledged.ToArray();

        await SaveAsync(_source.Endpoint(2));

        await stop.CancelAsync();
        await Task.WhenAll(writers);
        var status = await StatusAsync();
        var names = status.GetProperty("members").EnumerateArray().Select(static m => m.GetProperty("name").GetString());
        Assert.Equal(["n1", "n2", "n3"], names.Order());
        var hashes = new HashSet<uint>();
        foreach (var size in new[] { 1, 3, 5 })
        {
            await using var restored = ServerCluster.CreateStopped(size);
            foreach (var number in restored.Numbers)
                await RestoreAsync(ExitCode.Ok, restored, number);
            foreach (var number in restored.Numbers)
                restored.Start(number);
            foreach (var number in restored.Numbers)
                await restored.WaitUntilReadyAsync(number);

            // The same state in every member, with every write that was acknowledged before, and with its leases and revisions.
            var revision = status.GetProperty("revision").GetInt64();
            foreach (var number in restored.Numbers)
            {
                var hash = await restored.Maintenance(number).HashKVAsync(new HashKVRequest { Revision = revision });
                hashes.Add(hash.Hash);
                Assert.Equal(revision, hash.Header.Revision);
                Assert.NotEqual(lease.Header.ClusterId, hash.Header.ClusterId);
            }

            var kvs = await restored.ReadAllAsync(size);
            for (var writer = 0; writer < before.Length; writer++)
            {
                var found = long.Parse(kvs.Kvs.Single(kv => kv.Key == KeyOf(writer)).Value.ToStringUtf8(), CultureInfo.InvariantCulture);
                Assert.True(found >= before[writer], $"writer {writer}: {found} is in the backup, {before[writer]} was acknowledged");
            }

            var history = await restored.Kv(1).RangeAsync(new RangeRequest { Key = Utf8("history"), Revision = old.Header.Revision - 1 });
            Assert.Equal("old", history.Kvs[0].Value.ToStringUtf8());
            Assert.Equal(lease.ID, kvs.Kvs.Single(kv => kv.Key == Utf8("leased")).Lease);
            using var channel = GrpcChannel.ForAddress($"http://{restored.Endpoint(1)}");
            var ttl = await new Lease.LeaseClient(channel).LeaseTimeToLiveAsync(new LeaseTimeToLiveRequest { ID = lease.ID, Keys = true });
            Assert.InRange(ttl.TTL, 1, 1000);
            Assert.Equal([Utf8("leased")], ttl.Keys);

            // It goes on from there, and its members restart.
            var next = await restored.Kv(size).PutAsync(new PutRequest { Key = Utf8("next"), Value = Utf8("v") });
            Assert.Equal(revision + 1, next.Header.Revision);
            await restored.KillAsync(1);
            restored.Start(1);
            await restored.WaitUntilReadyAsync(1);
            Assert.Equal(kvs.Count + 1, (await restored.ReadAllAsync(1)).Count);
        }

        Assert.Single(hashes);
    }

    [Fact]
    public async Task Etcdctl_receives_the_same_state_as_quorate()
    {
        for (var i = 0; i < 20; i++)
            await _source.Kv(1).PutAsync(new PutRequest { Key = Utf8($"k{i}"), Value = UnsafeByteOperations.UnsafeWrap(new byte[20_000]) });
        await SaveAsync(_source.Endpoint(3));
        var ours = await StatusAsync();
        var theirPath = Path.Combine(_directory.Path, "theirs");

        await EtcdCtl.OkAsync(_source.Endpoint(1), "snapshot", "save", theirPath);

        var theirs = await StatusAsync(theirPath);
        foreach (var property in new[] { "hash", "revision", "totalKey", "totalSize", "raftIndex", "raftTerm", "cluster" })
            Assert.Equal(ours.GetProperty(property).ToString(), theirs.GetProperty(property).ToString());
        Assert.NotEqual(ours.GetProperty("backup").GetString(), theirs.GetProperty("backup").GetString());
        var line = (await RunAsync(ExitCode.Ok, "snapshot", "status", theirPath)).TrimEnd('\n');
        var start = $"{ours.GetProperty("hash").GetUInt32():x}, {ours.GetProperty("revision")}, 20, ";
        Assert.StartsWith(start, line, StringComparison.Ordinal);
        var table = await RunAsync(ExitCode.Ok, "snapshot", "status", theirPath, "-w", "table");
        Assert.Contains("| RAFT INDEX |", table, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_corrupt_or_wrong_file_is_refused_before_anything_is_written()
    {
        await _source.Kv(1).PutAsync(new PutRequest { Key = Utf8("k"), Value = UnsafeByteOperations.UnsafeWrap(new byte[200_000]) });
        await SaveAsync(_source.Endpoint(1));
        var bytes = await File.ReadAllBytesAsync(BackupPath);
        await using var restored = ServerCluster.CreateStopped(1);

        bytes[150_000] ^= 1;
        await File.WriteAllBytesAsync(BackupPath, bytes);
        Assert.Contains(
            "chunk 2 fails verification", await FailAsync(ExitCode.Corruption, "snapshot", "status", BackupPath), StringComparison.Ordinal);
        Assert.Contains("chunk 2 fails verification", await RestoreAsync(ExitCode.Corruption, restored, 1), StringComparison.Ordinal);
        bytes[150_000] ^= 1;

        await File.WriteAllBytesAsync(BackupPath, bytes[..^1]);
        Assert.Contains("truncated", await RestoreAsync(ExitCode.Corruption, restored, 1), StringComparison.Ordinal);
        await File.WriteAllTextAsync(BackupPath, "something else");
        Assert.Contains("is not a backup", await RestoreAsync(ExitCode.Failed, restored, 1), StringComparison.Ordinal);
        File.Delete(BackupPath);
        Assert.Contains(BackupPath, await RestoreAsync(ExitCode.Failed, restored, 1), StringComparison.Ordinal);
        Assert.False(Directory.Exists(restored.DataDirectory(1)));

        await File.WriteAllBytesAsync(BackupPath, bytes);
        Assert.Contains(
            "together", await FailAsync(ExitCode.Usage, "snapshot", "restore", BackupPath, "--bump-revision", "5"),
            StringComparison.Ordinal);
        Assert.Contains(
            "does not contain this member",
            await FailAsync(ExitCode.Usage, "snapshot", "restore", BackupPath, "--name", "x", "--initial-cluster", "y=http://127.0.0.1:1"),
            StringComparison.Ordinal);
        await RestoreAsync(ExitCode.Ok, restored, 1);
        Assert.Contains("is not empty", await RestoreAsync(ExitCode.Failed, restored, 1), StringComparison.Ordinal);

        // What an interrupted restoration leaves.
        foreach (var file in new[] { "identity", "identity-copy" })
            File.Delete(Path.Combine(restored.DataDirectory(1), file));
        await using var server = TestProcess.StartQuorate(["server", .. restored.Flags(1)]);
        Assert.Equal(ExitCode.Failed, await server.WaitForExitAsync(Limit));
        Assert.Contains("the restoration of a backup was interrupted", server.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_download_that_does_not_complete_leaves_the_earlier_file_as_it_was()
    {
        await SaveAsync(_source.Endpoint(1));
        var earlier = await File.ReadAllBytesAsync(BackupPath);
        var value = UnsafeByteOperations.UnsafeWrap(new byte[100_000]);
        for (var i = 0; i < 40; i++)
            await _source.Kv(1).PutAsync(new PutRequest { Key = Utf8($"k{i}"), Value = value });

        await using (var cut = new CuttingProxy(_source.Endpoint(1), 1_000_000, cuts: true))
        {
            Assert.Contains(
                "was lost", await FailAsync(ExitCode.Unreachable, "snapshot", "save", BackupPath, "--endpoints", cut.EndPoint),
                StringComparison.Ordinal);
        }

        AssertUnchanged();
        await using (var stalled = new CuttingProxy(_source.Endpoint(1), 1_000_000, cuts: false))
        {
            Assert.Contains(
                "has sent nothing for 2 s",
                await FailAsync(ExitCode.Unreachable, "snapshot", "save", BackupPath, "--endpoints", stalled.EndPoint, "--timeout", "2s"),
                StringComparison.Ordinal);
        }

        AssertUnchanged();
        await using (var stalled = new CuttingProxy(_source.Endpoint(1), 1_000_000, cuts: false))
        {
            await using var interrupted = TestProcess.StartQuorateWithDefaultSignals(
                "snapshot", "save", BackupPath, "--endpoints", stalled.EndPoint);
            await stalled.WaitUntilEndedAsync();
            await interrupted.InterruptAsync();
            Assert.Equal(ExitCode.Interrupted, await interrupted.WaitForExitAsync(Limit));
        }

        AssertUnchanged();
        await using (var stalled = new CuttingProxy(_source.Endpoint(1), 1_000_000, cuts: false))
        {
            await using var killed = TestProcess.StartQuorate("snapshot", "save", BackupPath, "--endpoints", stalled.EndPoint);
            await stalled.WaitUntilEndedAsync();
            await killed.KillAsync();
        }

        Assert.Equal(earlier, await File.ReadAllBytesAsync(BackupPath));
        await SaveAsync(_source.Endpoint(1));
        Assert.True((await StatusAsync()).GetProperty("totalSize").GetInt64() > 4_000_000);
        Assert.False(File.Exists(BackupPath + ".part"));
        await FailAsync(ExitCode.Unreachable, "snapshot", "save", BackupPath, "--endpoints", "127.0.0.1:1");

        void AssertUnchanged()
        {
            Assert.Equal(earlier, File.ReadAllBytes(BackupPath));
            Assert.Equal([BackupPath], Directory.GetFiles(_directory.Path));
        }
    }

    [Fact]
    public async Task A_bumped_revision_is_above_every_revision_that_a_client_may_have_seen()
    {
        await _source.Kv(1).PutAsync(new PutRequest { Key = Utf8("k"), Value = Utf8("v") });
        await SaveAsync(_source.Endpoint(1));
        var revision = (await StatusAsync()).GetProperty("revision").GetInt64();
        await using var restored = ServerCluster.CreateStopped(1);

        await RestoreAsync(ExitCode.Ok, restored, 1, "--bump-revision", "1000000000", "--mark-compacted");

        restored.Start(1);
        await restored.WaitUntilReadyAsync(1);
        var found = await restored.Kv(1).RangeAsync(new RangeRequest { Key = Utf8("k") });
        Assert.Equal((revision + 1_000_000_000, revision), (found.Header.Revision, found.Kvs[0].ModRevision));
        var compacted = await Assert.ThrowsAsync<RpcException>(
            async () => await restored.Kv(1).RangeAsync(new RangeRequest { Key = Utf8("k"), Revision = revision + 5 }));
        Assert.Equal("etcdserver: mvcc: required revision has been compacted", compacted.Status.Detail);
    }

    /// <summary>With the same flags, too: the ids of members and of the cluster would be equal without the id of the backup.</summary>
    [Fact]
    public async Task A_restored_member_and_one_that_was_started_empty_reject_each_other()
    {
        await SaveAsync(_source.Endpoint(1));
        await using var cluster = ServerCluster.CreateStopped(3);
        await RestoreAsync(ExitCode.Ok, cluster, 1);

        foreach (var number in cluster.Numbers)
            cluster.Start(number);

        await cluster.WaitUntilReadyAsync(2);
        await cluster.GetProcess(1).WaitForLogAsync("of another cluster");
        var status = await cluster.Maintenance(1).StatusAsync(new StatusRequest());
        Assert.Equal(0UL, status.Leader);
        Assert.NotEqual((await cluster.Maintenance(2).StatusAsync(new StatusRequest())).Header.ClusterId, status.Header.ClusterId);
    }

    private async Task WriteAsync(int writer, long[] acknowledged, CancellationToken stop)
    {
        for (var i = 1L; !stop.IsCancellationRequested; i++)
        {
            var value = Utf8(i.ToString(CultureInfo.InvariantCulture));
            await _source.Kv(1 + (int)(i % 3)).PutAsync(
                new PutRequest { Key = KeyOf(writer), Value = value }, cancellationToken: CancellationToken.None);
            Volatile.Write(ref acknowledged[writer], i);
        }
    }

    private GrpcChannel ChannelOf(int number) => GrpcChannel.ForAddress($"http://{_source.Endpoint(number)}");

    private Task<string> SaveAsync(string endpoint) => RunAsync(ExitCode.Ok, "snapshot", "save", BackupPath, "--endpoints", endpoint);

    private async Task<JsonElement> StatusAsync(string? path = null)
    {
        using var json = JsonDocument.Parse(await RunAsync(ExitCode.Ok, "snapshot", "status", path ?? BackupPath, "-w", "json"));
        return json.RootElement.Clone();
    }

    /// <summary>Restores a member of a cluster that is not started yet; returns what was printed.</summary>
    private async Task<string> RestoreAsync(int exitCode, ServerCluster cluster, int number, params string[] more)
    {
        string[] names = ["--name", "--data-dir", "--initial-cluster", "--initial-cluster-token", "--initial-advertise-peer-urls"];
        var flags = cluster.Flags(number).Chunk(2).Where(pair => names.Contains(pair[0])).SelectMany(static pair => pair);
        string[] line = ["snapshot", "restore", BackupPath, .. flags, .. more];
        return exitCode == ExitCode.Ok ? await RunAsync(exitCode, line) : await FailAsync(exitCode, line);
    }

    private static async Task<string> RunAsync(int exitCode, params string[] line)
    {
        await using var process = TestProcess.StartQuorate(line);
        var actual = await process.WaitForExitAsync(Limit);
        Assert.True(actual == exitCode, $"quorate {string.Join(' ', line)} ended with {actual}: {process.Output}{process.Errors}");
        return process.Output;
    }

    /// <summary>Runs a command that fails; returns its message.</summary>
    private static async Task<string> FailAsync(int exitCode, params string[] line)
    {
        await using var process = TestProcess.StartQuorate(line);
        var actual = await process.WaitForExitAsync(Limit);
        Assert.True(actual == exitCode, $"quorate {string.Join(' ', line)} ended with {actual}: {process.Output}{process.Errors}");
        Assert.DoesNotContain("   at ", process.Errors, StringComparison.Ordinal);
        return process.Errors;
    }

    private static ByteString KeyOf(int writer) => Utf8($"writer{writer}");

    private static ByteString Utf8(string text) => ServerFixture.Utf8(text);
}
