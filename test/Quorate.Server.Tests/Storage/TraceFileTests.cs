using System.Text.Json;
using Quorate.Server.Protos;

namespace Quorate.Server.Tests.Storage;

/// <summary>The flag <c>--trace-file</c>: each start of a server appends a trace; a full disk does not stop the server.</summary>
public sealed class TraceFileTests
{
    /// <summary>The first start finds a line that a full disk cut off.</summary>
    [Fact]
    public async Task Every_start_appends_a_trace_on_a_new_line()
    {
        using var directory = new TemporaryDirectory();
        var path = Path.Combine(directory.Path, "trace.ndjson");
        await File.WriteAllTextAsync(path, """{"at":17,"no""");
        for (var start = 0; start < 2; start++)
        {
            await using var server = await ServerFixture.StartAsync($"--trace-file={path}");
            await server.Kv.PutAsync(new PutRequest { Key = ServerFixture.Utf8("a"), Value = ServerFixture.Utf8("secret") });
        }

        var lines = await File.ReadAllLinesAsync(path);
        var parsed = lines.Skip(1).Select(static line => JsonElement.Parse(line)).ToList();
        Assert.Equal("""{"at":17,"no""", lines[0]);
        Assert.Equal("quorate-trace", parsed[0].GetProperty("format").GetString());
        Assert.Equal(2, parsed.Count(static line => line.TryGetProperty("format", out _)));
        Assert.Equal(2, parsed.Count(static line => line.TryGetProperty("why", out var why) && why.GetString() == "stopped"));
        Assert.DoesNotContain(lines, static line => line.Contains("secret", StringComparison.Ordinal));
    }

    /// <summary>Every write to Linux's /dev/full fails as on a full disk.</summary>
    [Fact]
    public async Task A_server_whose_trace_cannot_be_written_serves()
    {
        Assert.SkipUnless(File.Exists("/dev/full"), "the system has no /dev/full");
        await using var server = await ServerFixture.StartAsync("--trace-file=/dev/full");

        await server.Kv.PutAsync(new PutRequest { Key = ServerFixture.Utf8("a"), Value = ServerFixture.Utf8("1") });

        Assert.False(server.Server.Completion.IsCompleted);
    }

    [Fact]
    public async Task A_trace_file_that_cannot_be_opened_fails_the_start()
    {
        using var directory = new TemporaryDirectory();

        var error = await Assert.ThrowsAsync<StartupException>(() => ServerFixture.StartAsync($"--trace-file={directory.Path}"));

        Assert.Equal(StartupErrorKind.Failed, error.Kind);
        Assert.Contains($"--trace-file {directory.Path} cannot be opened", error.What, StringComparison.Ordinal);
    }
}
