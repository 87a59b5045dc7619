using System.Security.Cryptography;
using Quorate.Cli;
using Quorate.Server.Tests.Processes;

namespace Quorate.Server.Tests.Inspect;

/// <summary>The command as a process: exit codes, and a member that runs in the inspected directory.</summary>
[Collection(ProcessesCollection.Name)]
public sealed class InspectProcessTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    [Theory]
    [InlineData("wal", InspectedDirectory.Segment, 700)]
    [InlineData("snapshot", InspectedDirectory.Snapshot, 600)]
    public async Task The_exit_code_says_whether_there_is_corruption(string kind, string name, int offset)
    {
        using var directory = new InspectedDirectory();
        Assert.Contains("member a1", (await RunAsync(ExitCode.Ok, "inspect", "wal", directory.Path)).Output, StringComparison.Ordinal);
        await RunAsync(ExitCode.Ok, "inspect", kind, directory.Path, "--summary", "-o", "json");

        var bytes = directory.Read(name);
        bytes[offset] ^= 1;
        directory.Write(name, bytes);
        var output = (await RunAsync(ExitCode.Corruption, "inspect", kind, directory.Path)).Output;
        Assert.Contains("CORRUPTION in ", output, StringComparison.Ordinal);
        Assert.Equal(bytes, directory.Read(name));
    }

    [Theory]
    [InlineData(ExitCode.Usage, "inspect", "Required command")]
    [InlineData(ExitCode.Usage, "inspect wal", "Required argument")]
    [InlineData(ExitCode.Usage, "inspect wal d -o xml", "xml")]
    [InlineData(ExitCode.Failed, "inspect wal /no/such/path", "/no/such/path")]
    [InlineData(ExitCode.Failed, "inspect snapshot /proc", "contains no snapshot")]
    public async Task An_invalid_use_has_an_exit_code_and_a_reason(int exitCode, string line, string reason) =>
        Assert.Contains(reason, (await RunAsync(exitCode, line.Split(' '))).Errors, StringComparison.Ordinal);

    /// <summary>A directory is shown while its member writes, and the member does not notice.</summary>
    [Fact]
    public async Task The_directory_of_a_running_member_is_shown_without_corruption()
    {
        await using var cluster = await ServerCluster.StartAsync(1);
        await RunAsync(ExitCode.Ok, "put", "a \"key\"", "v", "--endpoints", cluster.Endpoint(1));
        var directory = cluster.DataDirectory(1);
        await using (var bench = TestProcess.StartQuorate(
            "bench", "put", "--endpoints", cluster.Endpoint(1), "--duration", "10m", "--clients", "4"))
        {
            for (var i = 0; i < 5; i++)
                await RunAsync(ExitCode.Ok, "inspect", "wal", directory, "--summary");
            Assert.False(bench.HasExited, bench.Errors);
        }

        await RunAsync(ExitCode.Ok, "put", "last", "v", "--endpoints", cluster.Endpoint(1));
        await cluster.KillAsync(1);
        var before = Describe(directory);
        var output = (await RunAsync(ExitCode.Ok, "inspect", "wal", directory, "--commands")).Output;
        Assert.Contains("put \"a \\x22key\\x22\", 1 bytes", output, StringComparison.Ordinal);
        Assert.Contains("put \"last\", 1 bytes", output, StringComparison.Ordinal);
        Assert.Equal(before, Describe(directory));
    }

    private static string[] Describe(string directory) =>
    [
        .. Directory.EnumerateFiles(directory).Order(StringComparer.Ordinal).Select(static path =>
            $"{path} {File.GetLastWriteTimeUtc(path):O} {Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(path)))}"),
    ];

    private static async Task<(string Output, string Errors)> RunAsync(int exitCode, params string[] arguments)
    {
        await using var process = TestProcess.StartQuorate(arguments);
        var actual = await process.WaitForExitAsync(Limit);
        Assert.True(actual == exitCode, $"{string.Join(' ', arguments)} ended with {actual}: {process.Errors}\n{process.Output}");
        return (process.Output, process.Errors);
    }
}
