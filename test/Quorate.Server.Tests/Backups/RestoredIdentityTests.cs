using Grpc.Core;
using Quorate.Node.Storage;
using Quorate.Server.Backups;
using Quorate.Server.Protos;
using Quorate.Server.Storage;

namespace Quorate.Server.Tests.Backups;

/// <summary>The cluster of a restored member has an id of its own, whatever the flags are; the data directory states it.</summary>
public sealed class RestoredIdentityTests
{
    [Fact]
    public async Task A_restored_cluster_has_another_id_than_one_that_began_empty_or_was_restored_from_another_backup()
    {
        using var directory = new TemporaryDirectory();
        var (first, second) = (Path.Combine(directory.Path, "first"), Path.Combine(directory.Path, "second"));
        await using (var server = await ServerFixture.StartAsync())
        {
            await SaveAsync(server, first);
            await SaveAsync(server, second);
        }

        var empty = ServerFixture.ParseSettings(Flags("empty"));
        var (a, _) = BackupRestoration.Restore(first, ServerFixture.ParseSettings(Flags("a")), 0, CancellationToken.None);
        var (b, _) = BackupRestoration.Restore(first, ServerFixture.ParseSettings(Flags("b")), 0, CancellationToken.None);
        var (other, _) = BackupRestoration.Restore(second, ServerFixture.ParseSettings(Flags("c")), 0, CancellationToken.None);

        Assert.Equal(a.ClusterId, b.ClusterId);
        Assert.Equal(3, new[] { a.ClusterId, other.ClusterId, empty.ClusterId }.Distinct().Count());
        Assert.Equal(a.ClusterId, DataDirectoryIdentity.Read(a.DataDirectory)!.ClusterId);

        // A start with the same flags, and one without: the id comes from the directory.
        foreach (var flags in new[] { Flags("a"), [$"--data-dir={a.DataDirectory}"] })
        {
            using var opened = DataDirectory.Open(ServerFixture.ParseSettings(flags));
            Assert.Equal(a.ClusterId, opened.Settings.ClusterId);
        }

        string[] Flags(string name) =>
            ["--name=n1", $"--data-dir={directory.Path}/{name}", "--initial-cluster=n1=http://127.0.0.1:1,n2=http://127.0.0.1:2"];
    }

    private static async Task SaveAsync(RunningServer server, string path)
    {
        using var call = new Maintenance.MaintenanceClient(server.Channel).Snapshot(new SnapshotRequest());
        await using var file = File.Create(path);
        await foreach (var part in call.ResponseStream.ReadAllAsync())
            part.Blob.WriteTo(file);
    }
}
