using Google.Protobuf;
using Quorate.Cli;
using Quorate.Cli.Client;
using Quorate.Cli.Snapshots;
using Quorate.Server.Backups;
using Quorate.Server.Protos;
using Quorate.Server.Tests.Processes;

namespace Quorate.Server.Tests.Backups;

/// <summary>A file has its final name only when all of the backup is in it.</summary>
public sealed class SnapshotDownloadTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_download_that_is_cut_off_or_stalls_leaves_an_earlier_file_and_nothing_else(bool cuts)
    {
        using var directory = new TemporaryDirectory();
        var path = Path.Combine(directory.Path, "backup");
        await using var server = await StartWithDataAsync();
        await SaveAsync(new Uri(server.Url), path);
        var earlier = await File.ReadAllBytesAsync(path);
        await using var proxy = new CuttingProxy(new Uri(server.Url).Authority, bytesMax: 1_500_000, cuts);

        var error = await Assert.ThrowsAsync<ClientException>(() => SaveAsync(new Uri($"http://{proxy.EndPoint}"), path));

        Assert.Equal(ExitCode.Unreachable, error.ExitCode);
        Assert.Equal(earlier, await File.ReadAllBytesAsync(path));
        Assert.Equal([path], Directory.GetFiles(directory.Path));
    }

    [Fact]
    public async Task The_unfinished_file_of_a_killed_process_is_overwritten_and_one_in_use_is_not()
    {
        using var directory = new TemporaryDirectory();
        var path = Path.Combine(directory.Path, "backup");
        await File.WriteAllBytesAsync(path + ".part", new byte[20_000_000]);
        await using var server = await StartWithDataAsync();
        using (new FileStream(path + ".part", FileMode.Open, FileAccess.Write, FileShare.None))
            await Assert.ThrowsAsync<IOException>(() => SaveAsync(new Uri(server.Url), path));

        await SaveAsync(new Uri(server.Url), path);

        Assert.Equal([path], Directory.GetFiles(directory.Path));
    }

    [Fact]
    public async Task The_next_endpoint_is_used_if_the_first_does_not_respond()
    {
        using var directory = new TemporaryDirectory();
        await using var server = await StartWithDataAsync();
        var session = new ClientSession(
            "snapshot save", [new Uri("http://127.0.0.1:1"), new Uri(server.Url)], TimeSpan.FromSeconds(30), CancellationToken.None);

        var saved = await new SnapshotDownload(session).SaveAsync(Path.Combine(directory.Path, "backup"), CancellationToken.None);

        Assert.Equal(40, saved.Store.KeyCount);
    }

    private static Task<BackupSummary> SaveAsync(Uri endpoint, string path) =>
        new SnapshotDownload(new ClientSession("snapshot save", [endpoint], TimeSpan.FromSeconds(3), CancellationToken.None))
            .SaveAsync(path, CancellationToken.None);

    private static async Task<RunningServer> StartWithDataAsync()
    {
        var server = await ServerFixture.StartAsync();
        var value = UnsafeByteOperations.UnsafeWrap(new byte[100_000]);
        for (var i = 0; i < 40; i++)
            await server.Kv.PutAsync(new PutRequest { Key = ServerFixture.Utf8($"k{i}"), Value = value });
        return server;
    }
}
