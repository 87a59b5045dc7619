using System.Text.Json;
using Quorate.Node.Tests.Tracing;

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

            foreach (var sent in TraceReader.Array(line, "send"))
                left.Add(Id(sent), sent.GetRawText());
            if (line.TryGetProperty("hold", out var hold))
            {
                foreach (var waiting in TraceReader.Array(hold, "messages"))
                    held.Add(Id(waiting), waiting.GetRawText());
            }

            foreach (var released in TraceReader.Array(line, "release"))
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
        var steps = TraceReader.CheckLogs(Trace(seed));

        Assert.True(steps > 100, "the trace has hardly any steps");
    }

    private static long Id(JsonElement message) => message.GetProperty("id").GetInt64();

    private static List<JsonElement> Trace(ulong seed)
    {
        var written = new MemoryStream();
        KvSimulation.Run(seed, new RunOptions { Trace = written });
        written.Position = 0;
        return TraceReader.Read(written);
    }
}
