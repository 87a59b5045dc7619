using System.Text.Json;

namespace Quorate.Node.Tests.Tracing;

/// <summary>Reads a trace (docs/formats/trace.md), as any program could: without the code that wrote it.</summary>
internal static class TraceReader
{
    /// <summary>Returns the lines of a trace, the first one included.</summary>
    public static List<JsonElement> Read(Stream trace)
    {
        var lines = new List<JsonElement>();
        using var reader = new StreamReader(trace, leaveOpen: true);
        while (reader.ReadLine() is { } line)
            lines.Add(JsonElement.Parse(line));
        return lines;
    }

    /// <summary>Returns an array of a line; empty if the line does not have it.</summary>
    public static List<JsonElement> Array(JsonElement line, string name) =>
        line.TryGetProperty(name, out var array) ? [.. array.EnumerateArray()] : [];

    /// <summary>
    /// Reconstructs the log of every member, line by line, and compares its end with the state in the line. Returns the number of steps.
    /// </summary>
    public static int CheckLogs(IEnumerable<JsonElement> lines)
    {
        var logs = new Dictionary<ulong, SortedDictionary<ulong, ulong>>();
        var steps = 0;
        foreach (var line in lines.Where(static l => l.TryGetProperty("state", out _)))
        {
            var (node, state) = (line.GetProperty("node").GetUInt64(), line.GetProperty("state"));
            var last = state.GetProperty("last").GetUInt64();
            if (line.GetProperty("event").GetString() == "Start")
                logs[node] = FromRuns(line.GetProperty("log"), last);
            var log = logs[node];
            var hasAppend = line.TryGetProperty("append", out var append);
            if (hasAppend && append.TryGetProperty("resetTo", out _))
                log.Clear();
            foreach (var entry in hasAppend ? Array(append, "entries") : [])
            {
                foreach (var replaced in log.Keys.Where(i => i >= entry[1].GetUInt64()).ToList())
                    log.Remove(replaced);
                log.Add(entry[1].GetUInt64(), entry[0].GetUInt64());
            }

            var compacted = state.GetProperty("compacted").GetUInt64();
            foreach (var dropped in log.Keys.TakeWhile(i => i <= compacted).ToList())
                log.Remove(dropped);
            Assert.Equal(last - compacted, (ulong)log.Count);
            if (last > compacted)
                Assert.Equal(state.GetProperty("lastTerm").GetUInt64(), log[last]);
            steps++;
        }

        return steps;
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
}
