using Quorate.Cli;
using System.Net;
using System.Net.Sockets;

namespace Quorate.Server.Tests.Processes;

/// <summary>
/// A failed start prints three parts on stderr (what, why, what to do) and exits with a code that scripts can distinguish.
/// </summary>
[Collection(ProcessesCollection.Name)]
public sealed class CommandLineErrorTests
{
    /// <summary>Flags of every start here: ports of its own, which later flags replace.</summary>
    private static readonly string[] DefaultFlags = ["--listen-client-urls=http://127.0.0.1:0", "--listen-peer-urls=http://127.0.0.1:0"];

    [Theory]
    [InlineData("--no-such-flag is not a flag", "--no-such-flag")]
    [InlineData("did you mean --data-dir?", "--data-dri=x")]
    [InlineData("\"stray\" is not a flag", "stray")]
    [InlineData("--name has no value", "--name")]
    [InlineData("--listen-client-urls: \"foo\" is not a URL", "--listen-client-urls=foo")]
    [InlineData("--listen-peer-urls: \"http://127.0.0.1\" is not a URL", "--listen-peer-urls=http://127.0.0.1")]
    [InlineData("--advertise-client-urls: \"ftp://h:1\" is not a URL", "--advertise-client-urls=ftp://h:1")]
    [InlineData("--initial-advertise-peer-urls: \"http://h:99999\" is not a URL", "--initial-advertise-peer-urls=http://h:99999")]
    [InlineData("--initial-cluster: \"x\" is not a URL", "--initial-cluster=default=x")]
    [InlineData("--initial-cluster does not contain this member, \"n9\"", "--name=n9", "--initial-cluster=n1=http://127.0.0.1:1")]
    [InlineData("--initial-cluster and --initial-advertise-peer-urls differ", "--initial-cluster=default=http://127.0.0.1:1",
        "--initial-advertise-peer-urls=http://127.0.0.1:2")]
    [InlineData("--initial-cluster-state is \"perhaps\"", "--initial-cluster-state=perhaps")]
    [InlineData("--election-timeout is 100 ms and --heartbeat-interval 100 ms", "--election-timeout=100")]
    [InlineData("--cert-file is not supported", "--cert-file=c.pem")]
    public async Task An_invalid_command_line_exits_with_1(string what, params string[] flags)
    {
        using var directory = new TemporaryDirectory();

        Assert.Contains(what, await StartAndExpectErrorAsync(ExitCode.Usage, [$"--data-dir={directory.Path}/d", .. DefaultFlags, .. flags]),
            StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFileSystemEntries(directory.Path));
    }

    /// <summary>Nothing has been written either: the data directory would otherwise record the wrong address.</summary>
    [Theory]
    [InlineData("clients", "--listen-client-urls")]
    [InlineData("peers", "--listen-peer-urls")]
    public async Task A_port_in_use_exits_with_2_and_is_named(string whose, string flag)
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        using var directory = new TemporaryDirectory();

        var errors = await StartAndExpectErrorAsync(ExitCode.Failed,
            [$"--data-dir={directory.Path}/d", .. DefaultFlags, $"{flag}=http://{taken.LocalEndpoint}"]);

        Assert.Contains($"cannot listen for {whose} on {taken.LocalEndpoint}", errors, StringComparison.Ordinal);
        Assert.Contains("another process uses that port", errors, StringComparison.Ordinal);
        Assert.Contains($"choose another port in {flag}", errors, StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFileSystemEntries(directory.Path));
    }

    /// <summary>192.0.2.0/24 is for documentation: no host has such an address.</summary>
    [Theory]
    [InlineData("clients", "--listen-client-urls")]
    [InlineData("peers", "--listen-peer-urls")]
    public async Task An_address_of_another_host_exits_with_2(string whose, string flag)
    {
        using var directory = new TemporaryDirectory();

        var errors = await StartAndExpectErrorAsync(ExitCode.Failed,
            [$"--data-dir={directory.Path}/d", .. DefaultFlags, $"{flag}=http://192.0.2.1:2379"]);

        Assert.Contains($"cannot listen for {whose} on 192.0.2.1:2379", errors, StringComparison.Ordinal);
        Assert.Contains("to an address of this host", errors, StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFileSystemEntries(directory.Path));
    }

    [Fact]
    public async Task An_unwritable_data_directory_exits_with_2()
    {
        using var directory = new TemporaryDirectory();
        await File.WriteAllTextAsync($"{directory.Path}/file", "");

        foreach (var (place, why) in new[]
        {
            ("/proc/not/writable", "cannot be used"), ($"{directory.Path}/file", "is a file"),
            ($"{directory.Path}/file/below", "cannot be used")
        })
        {
            var errors = await StartAndExpectErrorAsync(ExitCode.Failed, [$"--data-dir={place}", .. DefaultFlags]);
            Assert.Contains($"--data-dir {place} {why}", errors, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("member", "uses another data format and cannot read it")]
    [InlineData("raft", "it contains raft, and this version does not read that format")]
    public async Task A_foreign_data_directory_exits_with_2_and_is_left_unchanged(string entry, string why)
    {
        using var directory = new TemporaryDirectory();
        Directory.CreateDirectory(Path.Combine(directory.Path, entry));

        Assert.Contains(why, await StartAndExpectErrorAsync(ExitCode.Failed, [$"--data-dir={directory.Path}", .. DefaultFlags]),
            StringComparison.Ordinal);
        Assert.Equal([entry], Directory.EnumerateFileSystemEntries(directory.Path).Select(e => Path.GetFileName(e)));
    }

    private static async Task<string> StartAndExpectErrorAsync(int exitCode, params string[] flags)
    {
        await using var server = TestProcess.StartQuorate(["server", .. flags]);
        var code = await server.WaitForExitAsync(TimeSpan.FromSeconds(30));
        Assert.True(code == exitCode, $"it ended with {code}: {server.Errors}");
        Assert.Empty(server.Output);
        Assert.Contains("\n  why: ", server.Errors, StringComparison.Ordinal);
        Assert.Contains("\n  do:  ", server.Errors, StringComparison.Ordinal);
        return server.Errors;
    }
}
