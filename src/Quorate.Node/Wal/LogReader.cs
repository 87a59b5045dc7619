using System.Globalization;
using Quorate.Raft;

namespace Quorate.Node.Wal;

/// <summary>
/// Reads entries back from the log. Every record is verified at every read, because a disk may corrupt data that was valid at startup.
/// </summary>
/// <remarks>
/// Each read from the disk allocates one array, and the payloads of its entries are slices of that array: entries are read, used and
/// released in runs.
/// </remarks>
internal sealed class LogReader(SegmentIndex segmentIndex)
{
    // Below the size from which the runtime allocates arrays in the large object heap (85,000 bytes).
    private const int BufferBytes = 64 * 1024;

    private Segment? _segment;
    private byte[] _buffer = [];
    private long _bufferOffset;

    /// <summary>
    /// Reads the entries <paramref name="from"/> to <paramref name="to"/>, both included: at least one, and no more once <paramref
    /// name="bytesMax"/> is reached.
    /// </summary>
    public int Read(LogIndex from, LogIndex to, long bytesMax, List<LogEntry> target)
    {
        // Nothing is cached between reads, least of all after a failed read: every read must see the disk.
        SwitchTo(null);
        var count = 0;
        var bytes = 0L;
        for (var index = from; index <= to; index += 1, count++)
        {
            if (_segment is null || !_segment.Contains(index))
                SwitchTo(segmentIndex.SegmentOf(index));
            var entry = ReadEntry(index, to, bytesMax - bytes);
            bytes += entry.SizeBytes;
            if (count > 0 && bytes > bytesMax)
                break;
            target.Add(entry);
        }

        SwitchTo(null);
        return count;
    }

    private void SwitchTo(Segment? segment)
    {
        _segment = segment;
        _buffer = [];
        _bufferOffset = 0;
    }

    private LogEntry ReadEntry(LogIndex index, LogIndex to, long bytesMax)
    {
        var offset = _segment!.OffsetOf(index);
        if (!IsBuffered(offset, WalEntryRecord.HeaderBytes))
            Load(offset, WalEntryRecord.HeaderBytes, BytesToLoad(offset, to, bytesMax));

        var size = WalEntryRecord.DeclaredSize(_buffer.AsSpan((int)(offset - _bufferOffset)), _segment.Tail - offset);
        if (size == 0)
            throw Corruption(index, offset, "a record is longer than its segment");
        if (!IsBuffered(offset, size))
            Load(offset, size, size);

        var record = _buffer.AsMemory((int)(offset - _bufferOffset), size);
        if (!WalEntryRecord.IsValid(record.Span, _segment.Nonce, offset))
            throw Corruption(index, offset, "a record fails verification");
        var entry = WalEntryRecord.Decode(record);
        return entry.Index == index ? entry : throw Corruption(index, offset, $"entry {entry.Id} is in its place");
    }

    private bool IsBuffered(long offset, int bytes) => offset >= _bufferOffset && offset + bytes <= _bufferOffset + _buffer.Length;

    private void Load(long offset, int bytesMin, long bytesWanted)
    {
        var length = (int)Math.Min(Math.Max(bytesMin, Math.Min(bytesWanted, BufferBytes)), _segment!.Tail - offset);
        var buffer = GC.AllocateUninitializedArray<byte>(Math.Max(length, 0));
        _segment.File.ReadExactly(offset, buffer);
        if (length < bytesMin)
            throw Corruption(LogIndex.Zero, offset, "a record is longer than its segment");
        _buffer = buffer;
        _bufferOffset = offset;
    }

    // Reads no more than requested: up to the record after the last one, or up to the caller's byte limit.
    private long BytesToLoad(long offset, LogIndex to, long bytesMax)
    {
        var end = to < _segment!.First + _segment.Count - 1 ? _segment.OffsetOf(to + 1) : _segment.Tail;
        return Math.Min(end - offset, Math.Max(bytesMax, WalEntryRecord.HeaderBytes));
    }

    private WalCorruptionException Corruption(LogIndex index, long offset, string what) =>
        new(_segment!.Name, offset, string.Create(CultureInfo.InvariantCulture, $"entry {index}"), what,
            "It was valid when it was written, or when the log was opened.");
}
