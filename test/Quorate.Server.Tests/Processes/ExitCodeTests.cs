using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Reflection;
using System.Text.RegularExpressions;
using Quorate.Cli;

namespace Quorate.Server.Tests.Processes;

/// <summary>Every command ends with the exit code that its outcome has in the table of docs/operating/exit-codes.md.</summary>
/// <remarks>The other invalid command lines of the server are in <see cref="CommandLineErrorTests"/>.</remarks>
[Collection(ProcessesCollection.Name)]
public sealed partial class ExitCodeTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task The_page_lists_the_codes_of_the_program()
    {
        var page = await File.ReadAllTextAsync(Path.Combine(ServerFixture.RepositoryRoot, "docs/operating/exit-codes.md"));
        var codes = typeof(ExitCode).GetFields(BindingFlags.Public | BindingFlags.Static).Select(f => (int)f.GetRawConstantValue()!);

        Assert.Equal(codes.Order(), Row().Matches(page).Select(m => int.Parse(m.Groups[1].Value, CultureInfo.InvariantCulture)));
    }

    [Theory]
    [InlineData(ExitCode.Ok, "--help")]
    [InlineData(ExitCode.Ok, "--version")]
    [InlineData(ExitCode.Ok, "server --help")]
    [InlineData(ExitCode.Ok, "server --version")]
    [InlineData(ExitCode.Usage, "no-such-command")]
    [InlineData(ExitCode.Usage, "server --no-such-flag")]
    [InlineData(ExitCode.Usage, "--no-such-flag")]
    [InlineData(ExitCode.Usage, "demo --no-such-flag")]
    [InlineData(ExitCode.Usage, "bench put --no-such-flag")]
    [InlineData(ExitCode.Usage, "bench put --clients many")]
    [InlineData(ExitCode.Usage, "bench put --clients 0")]
    [InlineData(ExitCode.Usage, "bench put --duration 10")]
    [InlineData(ExitCode.Unreachable, "bench put --endpoints 127.0.0.1:1 --timeout 2s")]
    public async Task A_command_line_has_its_exit_code(int exitCode, string line)
    {
        await using var process = TestProcess.StartQuorate(line.Split(' '));

        var actual = await process.WaitForExitAsync(Limit);

        Assert.True(actual == exitCode, $"it ended with {actual}: {process.Errors}");
        if (exitCode != ExitCode.Ok)
            Assert.NotEmpty(process.Errors);
    }

    [Fact]
    public async Task A_demo_ends_with_0_at_the_end_of_its_input()
    {
        await using var demo = TestProcess.StartQuorate("demo");
        demo.Input.Close();

        Assert.Equal(ExitCode.Ok, await demo.WaitForExitAsync(Limit));
    }

    [Fact]
    public async Task A_demo_that_cannot_create_its_directory_ends_with_2()
    {
        var environment = new Dictionary<string, string> { ["TMPDIR"] = "/no/such/directory" };
        await using var demo = TestProcess.Start("dotnet", [TestProcess.QuorateDll, "demo"], environment);

        Assert.Equal(ExitCode.Failed, await demo.WaitForExitAsync(Limit));
        Assert.StartsWith("quorate: ", demo.Errors, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", demo.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_interrupted_demo_ends_with_130()
    {
        await using var demo = TestProcess.StartQuorateWithDefaultSignals("demo");
        await demo.WaitForOutputAsync("commands:");

        await demo.InterruptAsync();

        Assert.Equal(ExitCode.Interrupted, await demo.WaitForExitAsync(Limit));
    }

    [Fact]
    public async Task A_server_and_a_bench_against_it_end_with_the_code_of_their_outcome()
    {
        using var directory = new TemporaryDirectory();
        var endpoint = FindFreeEndPoint();
        await using var server = TestProcess.StartQuorateWithDefaultSignals(
            "server", $"--data-dir={directory.Path}/d", $"--listen-client-urls=http://{endpoint}",
            "--listen-peer-urls=http://127.0.0.1:0", "--initial-advertise-peer-urls=http://127.0.0.1:1", "--max-request-bytes=1000");
        await server.WaitForLogAsync("published");

        Assert.Equal(ExitCode.Ok, await BenchAsync($"put --endpoints {endpoint} --total 3 --warmup 0s"));
        Assert.Equal(ExitCode.Failed, await BenchAsync($"put --endpoints {endpoint} --total 3 --warmup 0s --val-size 2000"));

        await using var interrupted = TestProcess.StartQuorateWithDefaultSignals(
            "bench", "put", "--endpoints", $"{endpoint}", "--duration", "10m");
        await WaitForWritesAsync(endpoint);
        await interrupted.InterruptAsync();
        Assert.Equal(ExitCode.Interrupted, await interrupted.WaitForExitAsync(Limit));

        await server.InterruptAsync();
        Assert.Equal(ExitCode.Ok, await server.WaitForExitAsync(Limit));
    }

    private static async Task<int> BenchAsync(string line)
    {
        await using var bench = TestProcess.StartQuorate(["bench", .. line.Split(' ')]);
        return await bench.WaitForExitAsync(Limit);
    }

    /// <summary>Waits until the server commits the writes of a bench.</summary>
    private static async Task WaitForWritesAsync(IPEndPoint endpoint)
    {
        using var http = new HttpClient { BaseAddress = new Uri($"http://{endpoint}") };
        var first = await CommittedAsync();
        var deadline = Environment.TickCount64 + 30_000;
        while (await CommittedAsync() < first + 10)
        {
            Assert.True(Environment.TickCount64 < deadline, "the bench writes nothing");
            await Task.Delay(20);
        }

        async Task<long> CommittedAsync()
        {
            var metrics = await http.GetStringAsync(new Uri("/metrics", UriKind.Relative));
            return long.Parse(Committed().Match(metrics).Groups[1].Value, CultureInfo.InvariantCulture);
        }
    }

    private static IPEndPoint FindFreeEndPoint()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return (IPEndPoint)listener.LocalEndpoint;
    }

    [GeneratedRegex(@"^\| (\d+) \|", RegexOptions.Multiline)]
    private static partial Regex Row();

    [GeneratedRegex(@"^etcd_server_proposals_committed_total (\d+)$", RegexOptions.Multiline)]
    private static partial Regex Committed();
}
