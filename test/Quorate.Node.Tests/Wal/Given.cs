using Quorate.Node.Storage;
using Quorate.Node.Versions;
using Quorate.Node.Wal;
using Quorate.Raft;

namespace Quorate.Node.Tests.Wal;

/// <summary>Builds states for these tests in one line each.</summary>
internal static class Given
{
    /// <summary>Options with the smallest segments, created on the calling thread, with the same random numbers in every run.</summary>
    public static WalOptions SmallSegments()
    {
        var nonce = 0x1234_5678_9ABC_DEF0ul;
        return new WalOptions
        {
            SegmentBytes = WalOptions.SegmentBytesMin, PayloadBytesMax = 4096, PreallocateInBackground = false, KeepReserve = false,
            GenerateNonce = () => nonce += 0x9E37_79B9
        };
    }

    /// <summary>Opens the log in a data directory of member 1, or creates the directory.</summary>
    public static (WriteAheadLog Log, RecoveredLog Recovered) OpenLog(IStorage storage, WalOptions options) =>
        WriteAheadLog.Open(storage, options, Identity(storage));

    /// <summary>Opens the identity file of a data directory, or creates it.</summary>
    public static IdentityFile Identity(IStorage storage, ulong self = 1) => IdentityFile.Open(
        storage, 0xC0DE, new NodeId(self), new Configuration([new NodeId(1), new NodeId(2), new NodeId(3)]),
        drawId: () => 0xD1D0_0000_0000_0000 + self);

    /// <summary>The features of the data directory of member 1.</summary>
    public static ClusterFeatures Features(IStorage storage) => new(Identity(storage), ClusterVersion.Current);

    public static LogEntry Entry(ulong index, ulong term = 1, int payloadBytes = 20) => new(
        new EntryId(new Term(term), new LogIndex(index)), EntryKind.Command, new ProposalId(new NodeId(7), 1000 + index),
        Payload(index, term, payloadBytes));

    public static LogEntry[] Entries(ulong from, ulong to, ulong term = 1, int payloadBytes = 20)
    {
        var entries = new LogEntry[to - from + 1];
        for (var i = 0; i < entries.Length; i++)
            entries[i] = Entry(from + (ulong)i, term, payloadBytes);
        return entries;
    }

    public static WalBatch Batch(WalOptions options, params ReadOnlySpan<LogEntry> entries)
    {
        var batch = new WalBatch(options);
        batch.Append(entries);
        return batch;
    }

    public static EntryId Id(ulong term, ulong index) => new(new Term(term), new LogIndex(index));

    public static HardState Vote(ulong term, ulong votedFor) => new(new Term(term), new NodeId(votedFor));

    /// <summary>Reads all entries of a log.</summary>
    public static List<LogEntry> ReadAll(WriteAheadLog log)
    {
        var all = new List<LogEntry>();
        while (log.FirstIndex + all.Count <= log.LastIndex)
            Assert.True(log.Read(log.FirstIndex + all.Count, log.LastIndex, 1 << 20, all) > 0);
        return all;
    }

    public static void AssertSameEntries(IReadOnlyList<LogEntry> expected, IReadOnlyList<LogEntry> actual)
    {
        Assert.Equal(expected.Select(e => (e.Id, e.Kind, e.Proposal)), actual.Select(e => (e.Id, e.Kind, e.Proposal)));
        for (var i = 0; i < expected.Count; i++)
            Assert.True(expected[i].Payload.Span.SequenceEqual(actual[i].Payload.Span), $"the payload of entry {expected[i].Id} differs");
    }

    // A third of the payloads are zero except for one byte: whole sectors of zeroes, where they are long.
    private static byte[] Payload(ulong index, ulong term, int bytes)
    {
        var payload = new byte[bytes];
        if (index % 3 != 0)
            new Random((int)(index * 31 + term)).NextBytes(payload);
        else if (bytes > 0)
            payload[bytes / 2] = 1;
        return payload;
    }
}
