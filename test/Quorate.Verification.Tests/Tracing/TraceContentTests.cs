using System.Text.Json;

namespace Quorate.Verification.Tests.Tracing;

/// <summary>The trace of a run is complete: a reader can follow each message and reconstruct each log from it alone.</summary>
public sealed class TraceContentTests
{
    [Theory]
    [InlineData(7UL)]
    [InlineData(12UL)]
    public void Every_received_message_was_sent_earlier(ulong seed)
    {
        var (held, left, received) = (new Dictionary<long, string>(), new Dictionary<long, string>(), 0);
        foreach (var line in Trace(seed).Skip(1))
        {
            if (line.TryGetProperty("received", out var message))
            {
                Assert.Equal(left[Id(message)], message.GetRawText());
                received++;
            }

            foreach (var sent in Array(line, "send"))
                left.Add(Id(sent), sent.GetRawText());
            if (line.TryGetProperty("hold", out var hold))
            {
                foreach (var waiting in Array(hold, "messages"))
                    held.Add(Id(waiting), waiting.GetRawText());
            }

            foreach (var released in Array(line, "release"))
                left.Add(released.GetInt64(), held[released.GetInt64()]);
        }

        Assert.True(received > 100, "the trace has hardly any received messages");
    }

    /// <summary>Every entry of a log was appended by an earlier line, or was there when the process started.</summary>
    [Theory]
    [InlineData(7UL)]
    [InlineData(12UL)]
    public void The_log_of_every_core_can_be_reconstructed(ulong seed)
    {
        var logs = new Dictionary<int, SortedDictionary<ulong, ulong>>();
        var lines = 0;
        foreach (var line in Trace(seed).Skip(1).Where(static l => l.TryGetProperty("state", out _)))
        {
            var (node, state) = (line.GetProperty("node").GetInt32(), line.GetProperty("state"));
            var last = state.GetProperty("last").GetUInt64();
            if (line.GetProperty("event").GetString() == "Start")
                logs[node] = FromRuns(line.GetProperty("log"), last);
            var log = logs[node];
            foreach (var entry in line.TryGetProperty("append", out var append) ? Array(append, "entries") : [])
            {
                foreach (var replaced in log.Keys.Where(i => i >= entry[1].GetUInt64()).ToList())
                    log.Remove(replaced);
                log.Add(entry[1].GetUInt64(), entry[0].GetUInt64());
            }

            Assert.Equal(last, (ulong)log.Count);
            Assert.Equal(state.GetProperty("lastTerm").GetUInt64(), last == 0 ? 0 : log[last]);
            lines++;
        }

        Assert.True(lines > 100, "the trace has hardly any steps");
    }

    private static SortedDictionary<ulong, ulong> FromRuns(JsonElement runs, ulong last)
    {
        var log = new SortedDictionary<ulong, ulong>();
        foreach (var run in runs.EnumerateArray())
        {
            for (var index = run[1].GetUInt64(); index <= last; index++)
                log[index] = run[0].GetUInt64();
        }

        return log;
    }

    private static long Id(JsonElement message) => message.GetProperty("id").GetInt64();

    private static List<JsonElement> Array(JsonElement line, string name) =>
        line.TryGetProperty(name, out var array) ? [.. array.EnumerateArray()] : [];

    private static List<JsonElement> Trace(ulong seed)
    {
        var written = new MemoryStream();
        KvSimulation.Run(seed, new RunOptions { Trace = written });
        written.Position = 0;
        var lines = new List<JsonElement>();
        using var reader = new StreamReader(written);
        while (reader.ReadLine() is { } line)
            lines.Add(JsonElement.Parse(line));
        return lines;
    }
}
