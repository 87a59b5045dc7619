using System.Text.Json;
using Quorate.Cli;

namespace Quorate.Server.Tests.Processes;

/// <summary>The client commands print what etcdctl prints, and end with the exit codes of docs/operating/exit-codes.md.</summary>
[Collection(ProcessesCollection.Name)]
public sealed class ClientCommandTests : IAsyncLifetime
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    private ServerCluster _cluster = null!;

    public async ValueTask InitializeAsync() => _cluster = await ServerCluster.StartAsync(1);

    public ValueTask DisposeAsync() => _cluster.DisposeAsync();

    [Fact]
    public async Task Get_put_and_del_print_what_etcdctl_prints()
    {
        string[] commands =
        [
            "get k", "put k v", "put k w --prev-kv", "put k2 x", "put l y", "get k", "get k --print-value-only", "get k --keys-only",
            "get k --prefix", "get k l", "get k2 --from-key", "get k --prefix --limit 1", "get k --prefix --count-only", "get k --rev 2",
            "get k --consistency s", "del none", "del k --prev-kv", "del k --prefix",
        ];

        // etcdctl has no output for --count-only in the simple format, and the second run starts with the key that the first one left.
        var ours = await RunAllAsync(commands, async line => (await RunAsync(ExitCode.Ok, line.Split(' '))).TrimEnd('\n'));
        Assert.Equal(
            [
                "", "OK", "OK\nk\nv", "OK", "OK", "k\nw", "w", "k", "k\nw\nk2\nx", "k\nw\nk2\nx", "k2\nx\nl\ny", "k\nw", "2", "k\nv",
                "k\nw", "0", "1\nk\nw", "1",
            ],
            ours);

        await RunAsync(ExitCode.Ok, "del", "", "--prefix");
        string[] shared =
        [
            .. commands.Where(line => !line.Contains("--count-only", StringComparison.Ordinal)
                && !line.Contains("--rev", StringComparison.Ordinal) && !line.Contains("--keys-only", StringComparison.Ordinal)),
        ];
        var theirs = await RunAllAsync(shared, line => EtcdCtl.OkAsync(_cluster.Endpoint(1), [.. line.Split(' ')]));
        await RunAsync(ExitCode.Ok, "del", "", "--prefix");
        Assert.Equal(theirs, await RunAllAsync(shared, async line => (await RunAsync(ExitCode.Ok, line.Split(' '))).TrimEnd('\n')));
    }

    [Fact]
    public async Task Status_and_members_print_what_etcdctl_prints()
    {
        Assert.Equal(
            await EtcdCtl.OkAsync(_cluster.Endpoint(1), "endpoint", "status"), (await RunAsync(ExitCode.Ok, "status")).TrimEnd('\n'));
        Assert.Equal(
            await EtcdCtl.OkAsync(_cluster.Endpoint(1), "endpoint", "status", "--cluster"),
            "http://" + (await RunAsync(ExitCode.Ok, "status", "--cluster")).TrimEnd('\n'));
        Assert.Equal(await EtcdCtl.OkAsync(_cluster.Endpoint(1), "member", "list"), (await RunAsync(ExitCode.Ok, "members")).TrimEnd('\n'));
    }

    [Theory]
    [InlineData("get k", "header")]
    [InlineData("put k v", "header")]
    [InlineData("del k", "header")]
    [InlineData("members", "members")]
    [InlineData("status", "status")]
    public async Task The_JSON_output_is_one_object(string line, string property)
    {
        using var json = JsonDocument.Parse(await RunAsync(ExitCode.Ok, [.. line.Split(' '), "-w", "json"]));

        Assert.True(json.RootElement.TryGetProperty(property, out _));
    }

    [Fact]
    public async Task Put_reads_a_value_from_the_standard_input()
    {
        await using (var put = Start("put", "k"))
        {
            await put.Input.WriteAsync("two\nlines");
            put.Input.Close();
            Assert.Equal(ExitCode.Ok, await put.WaitForExitAsync(Limit));
        }

        Assert.Equal("two\nlines\n", await RunAsync(ExitCode.Ok, "get", "k", "--print-value-only"));
    }

    [Theory]
    [InlineData(ExitCode.Usage, "get", "key")]
    [InlineData(ExitCode.Usage, "put k v --lease xyz", "--lease")]
    [InlineData(ExitCode.Usage, "get k l --prefix", "exclude each other")]
    [InlineData(ExitCode.Usage, "get k --timeout 5", "not a duration")]
    [InlineData(ExitCode.Failed, "get k --rev 99", "required revision is a future revision")]
    [InlineData(ExitCode.Failed, "put k v --lease 7", "requested lease not found")]
    public async Task A_failure_has_an_exit_code_and_a_reason(int exitCode, string line, string reason) =>
        Assert.Contains(reason, await RunAsync(exitCode, line.Split(' ')), StringComparison.Ordinal);

    [Fact]
    public async Task Without_a_server_the_exit_code_is_3_and_the_message_names_the_endpoint()
    {
        await using var process = TestProcess.StartQuorate("get", "k", "--endpoints", "127.0.0.1:1");

        Assert.Equal(ExitCode.Unreachable, await process.WaitForExitAsync(Limit));
        Assert.Contains("127.0.0.1:1 does not respond", process.Errors, StringComparison.Ordinal);
        Assert.Empty(process.Output);
    }

    [Fact]
    public async Task A_command_uses_the_next_endpoint_when_one_does_not_respond()
    {
        await using var put = TestProcess.StartQuorate("put", "k", "v", "--endpoints", $"127.0.0.1:1,{_cluster.Endpoint(1)}");

        Assert.True(await put.WaitForExitAsync(Limit) == ExitCode.Ok, put.Errors);
    }

    /// <summary>Runs a command on the cluster; returns its standard output, or its standard error if it is to fail.</summary>
    private async Task<string> RunAsync(int exitCode, params string[] arguments)
    {
        await using var process = Start(arguments);
        var actual = await process.WaitForExitAsync(Limit);
        Assert.True(actual == exitCode, $"{string.Join(' ', arguments)} ended with {actual}: {process.Errors}");
        return exitCode == ExitCode.Ok ? process.Output : process.Errors;
    }

    private TestProcess Start(params string[] arguments) =>
        TestProcess.StartQuorate([.. arguments, "--endpoints", _cluster.Endpoint(1)]);

    private static async Task<string[]> RunAllAsync(string[] lines, Func<string, Task<string>> run)
    {
        var outputs = new List<string>();
        foreach (var line in lines)
            outputs.Add(await run(line));
        return [.. outputs];
    }
}
