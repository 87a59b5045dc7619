using System.CommandLine;
using System.Net;
using System.Net.Sockets;
using Quorate.Cli.Bench;

namespace Quorate.Server.Tests.Bench;

/// <summary><c>quorate bench</c> rejects invalid command lines, each with its exit code.</summary>
public sealed class BenchCommandTests
{
    [Theory]
    [InlineData("put --clients 0", "--clients must be at least 1.")]
    [InlineData("put --key-size 2 --key-space 1000", "the minimum is 3")]
    [InlineData("put --rate 0", "--rate must be more than 0.")]
    [InlineData("put --total 0", "--total must be more than 0.")]
    [InlineData("put --endpoints ftp://here", "is not an endpoint")]
    [InlineData("put --duration soon", "is not a duration")]
    [InlineData("put --duration 10", "is not a duration")]
    [InlineData("mixed --reads 0.8 --txns 0.3", "together at most 1")]
    public async Task An_invalid_command_line_exits_with_1_and_names_the_error(string line, string expectedError)
    {
        var (exitCode, output, error) = await RunAsync(line);

        Assert.Equal(1, exitCode);
        Assert.Contains(expectedError, error, StringComparison.Ordinal);
        Assert.DoesNotContain("op/s", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_unreachable_endpoint_exits_with_3_and_an_empty_stdout()
    {
        // Port 1 is reserved for an obsolete service; nothing listens there.
        var (exitCode, output, error) = await RunAsync("put --endpoints 127.0.0.1:1 --timeout 2s");

        Assert.Equal(3, exitCode);
        Assert.Empty(output);
        Assert.Contains("127.0.0.1:1", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_endpoint_that_never_responds_exits_with_3_after_the_timeout()
    {
        using var silent = new TcpListener(IPAddress.Loopback, 0);
        silent.Start();

        var (exitCode, output, error) = await RunAsync($"put --endpoints {silent.LocalEndpoint} --timeout 200ms");

        Assert.Equal(3, exitCode);
        Assert.Empty(output);
        Assert.Contains("does not respond", error, StringComparison.Ordinal);
    }

    private static async Task<(int ExitCode, string Output, string Error)> RunAsync(string line)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        var configuration = new InvocationConfiguration { Output = output, Error = error };
        var exitCode = await BenchCommand.Create().Parse(line).InvokeAsync(configuration);
        return (exitCode, output.ToString(), error.ToString());
    }
}
