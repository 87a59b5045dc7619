using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using Quorate.Node.Tests.Integration;
using Quorate.Node.Tests.Telemetry;
using Quorate.Node.Tracing;
using Quorate.Raft;

namespace Quorate.Node.Tests.Tracing;

/// <summary>A real member writes a trace that a reader of simulated traces accepts. One that cannot be written does not stop it.</summary>
public sealed class MemberTraceTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("quorate-test-").FullName;

    /// <summary>Three members, of which one restarts; each start has a trace of its own.</summary>
    [Fact]
    public async Task From_the_traces_of_a_real_cluster_its_logs_can_be_reconstructed_and_its_messages_followed()
    {
        var files = new List<FileStream>();
        await using (var cluster = TestCluster.Stopped(3))
        {
            for (var number = 1; number <= 3; number++)
                await StartAsync(cluster, number);
            var leader = await cluster.LeaderAsync();
            var follower = cluster.Running.First(node => node != leader);
            Assert.True((await leader.ProposeAsync(1)).IsCommitted);
            Assert.True((await follower.ProposeAsync(2)).IsCommitted);
            Assert.True((await follower.Node.ReadBarrierAsync()).IsGranted);
            await cluster.StopAsync(leader.Number);
            await StartAsync(cluster, leader.Number);
            Assert.True((await cluster[leader.Number].ProposeAsync(3)).IsCommitted);
        }

        var traces = files.Select(Read).ToList();
        var messages = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var trace in traces)
        {
            Assert.Equal("Start", trace[1].GetProperty("event").GetString());
            Assert.Equal(("End", "stopped"), (trace[^1].GetProperty("event").GetString(), trace[^1].GetProperty("why").GetString()));
            var times = trace.Skip(1).Select(line => line.GetProperty("at").GetInt64()).ToList();
            Assert.Equal(times.Order(), times);
            Assert.All(trace.Skip(1), line => Assert.Equal(trace[0].GetProperty("node").GetUInt64(), line.GetProperty("node").GetUInt64()));
            Assert.True(TraceReader.CheckLogs(trace) > 5, "the trace has hardly any steps");
            foreach (var sent in trace.SelectMany(Sent))
                messages[sent] = messages.GetValueOrDefault(sent) + 1;
        }

        // Another member sent each message that a member received, with the same fields but for the id, and at least as often.
        var received = traces.SelectMany(static trace => trace).Where(static line => line.TryGetProperty("received", out _))
            .Select(static line => line.GetProperty("received").GetRawText()).ToList();
        Assert.True(received.Count > 10, "the traces have hardly any received messages");
        foreach (var group in received.GroupBy(static message => message, StringComparer.Ordinal))
            Assert.InRange(group.Count(), 1, messages.GetValueOrDefault(group.Key));

        Task StartAsync(TestCluster cluster, int number)
        {
            var file = new FileStream(Path.Combine(_directory, $"{files.Count}.ndjson"), FileMode.CreateNew, FileAccess.ReadWrite);
            files.Add(file);
            return cluster.StartAsync(number, default, options => options with { TraceStream = file });
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(20)]
    public async Task A_stream_that_throws_ends_the_trace_and_not_the_member(int writesBefore)
    {
        using var logs = new RecordingLogs();
        using var stream = new FailingStream(writesBefore);
        await using var cluster = TestCluster.Stopped(1);
        await cluster.StartAsync(1, default, options => options with { TraceStream = stream, LoggerFactory = logs });

        for (var i = 1; i <= 50; i++)
            Assert.True((await cluster[1].ProposeAsync(i)).IsCommitted);
        await TestCluster.WaitUntilAsync(() => stream.Writes > writesBefore);

        Assert.False(cluster[1].Node.Completion.IsCompleted);
        await cluster[1].Node.DisposeAsync();
        Assert.Equal(writesBefore + 1, stream.Writes);
        Assert.Contains("the disk is full", Assert.Single(logs.Messages, static m => m.Id == 1014).Text, StringComparison.Ordinal);
    }

    [Fact]
    public void The_first_line_has_the_member_and_the_time_of_the_start()
    {
        using var written = new MemoryStream();
        using (TraceWriter.ForMember(written, new NodeId(2), [new NodeId(1), new NodeId(2)], new FixedClock(), static _ => { }))
        {
        }

        Assert.Equal(
            """{"format":"quorate-trace","version":1,"node":2,"startedAt":1764440000000000,"members":[1,2]}""" + "\n",
            Encoding.UTF8.GetString(written.ToArray()));
    }

    /// <summary>A message type without a case in the writer would stop a member that traces.</summary>
    [Fact]
    public void Every_type_of_message_can_be_written()
    {
        var types = typeof(Message).Assembly.GetTypes()
            .Where(static type => type.IsSubclassOf(typeof(Message)) && !type.IsAbstract).ToList();
        using var json = new Utf8JsonWriter(Stream.Null);

        json.WriteStartArray();
        foreach (var type in types)
            MessageJsonWriter.Write(json, (Message)RuntimeHelpers.GetUninitializedObject(type), id: 0);

        Assert.True(types.Count >= 8);
    }

    [Fact]
    public async Task A_stream_that_is_not_writable_is_rejected()
    {
        await using var cluster = TestCluster.Stopped(1);
        using var readOnly = new MemoryStream([], writable: false);

        var error = await Assert.ThrowsAsync<ArgumentException>(
            () => cluster.StartAsync(1, default, options => options with { TraceStream = readOnly }));

        Assert.Equal(nameof(RaftNodeOptions.TraceStream), error.ParamName);
    }

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    private static List<JsonElement> Read(FileStream file)
    {
        using (file)
        {
            file.Position = 0;
            return TraceReader.Read(file);
        }
    }

    /// <summary>The messages that a step created, as their receivers see them: without the id.</summary>
    private static IEnumerable<string> Sent(JsonElement line)
    {
        var held = line.TryGetProperty("hold", out var hold) ? TraceReader.Array(hold, "messages") : [];
        foreach (var message in TraceReader.Array(line, "send").Concat(held))
            yield return message.GetRawText().Replace($"\"id\":{message.GetProperty("id")},", "", StringComparison.Ordinal);
    }

    /// <summary>A disk that is full after some writes. It counts the writes, also the failed ones.</summary>
    private sealed class FailingStream(int writesBefore) : MemoryStream
    {
        private int _writes;

        public int Writes => Volatile.Read(ref _writes);

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            if (Interlocked.Increment(ref _writes) > writesBefore)
                throw new IOException("the disk is full");
        }
    }

    private sealed class FixedClock : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => DateTimeOffset.FromUnixTimeSeconds(1_764_440_000);
    }
}
