using BenchmarkDotNet.Attributes;
using Quorate.Node.Transport;
using Quorate.Raft;

namespace Quorate.Benchmarks.Transport;

/// <summary>Encoding and decoding of a message: time and allocations, of which there must be none.</summary>
[MemoryDiagnoser]
public class WireBenchmarks
{
    private readonly WireDecoder _decoder = new();
    private Message _message = null!;
    private byte[] _frame = [];

    [Params("Heartbeat", "Reply", "Entry128", "Entries64x128", "Entry1M")]
    public string MessageKind { get; set; } = "";

    [GlobalSetup]
    public void Setup()
    {
        _message = MessageKind switch
        {
            "Heartbeat" => Append(0, 0),
            "Reply" => new AppendEntriesReply { Accepted = true, Index = new LogIndex(9) },
            "Entry128" => Append(1, 128),
            "Entries64x128" => Append(64, 128),
            _ => Append(1, 1 << 20),
        };
        _frame = new byte[WireEncoder.SizeOf(_message)];
        WireEncoder.Encode(_message, GroupId.First, _frame);
    }

    [Benchmark]
    public long Encode()
    {
        var bytes = WireEncoder.SizeOf(_message);
        WireEncoder.Encode(_message, GroupId.First, _frame.AsSpan(0, (int)bytes));
        return bytes;
    }

    [Benchmark]
    public Message? CheckAndDecode()
    {
        var header = WireFrame.ReadHeader(_frame, 16 << 20);
        var body = _frame.AsMemory(WireFrame.HeaderBytes);
        WireFrame.CheckBody(header, body.Span);
        _decoder.TryDecode(header.Kind, body, out var message);
        return message;
    }

    private static AppendEntries Append(int count, int bytes)
    {
        var entries = new LogEntry[count];
        for (var i = 0; i < count; i++)
            entries[i] = new LogEntry(new EntryId(new Term(1), new LogIndex((ulong)i + 1)), EntryKind.Command,
                new ProposalId(new NodeId(1), 1), new byte[bytes]);
        return new AppendEntries { Term = new Term(1), Entries = entries };
    }
}
