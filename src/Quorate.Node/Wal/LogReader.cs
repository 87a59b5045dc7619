using System.Globalization;
using Quorate.Raft;

namespace Quorate.Node.Wal;

/// <summary>Reads entries back. Every record is verified every time, because a disk may change what was good at the start.</summary>
/// <remarks>
/// One array is made for each piece read, and the payloads of its entries are parts of it: entries are read, used and let go in runs.
/// </remarks>
internal sealed class LogReader(LogMap map)
{
    // Below the size from which the runtime puts arrays aside as large objects (85,000 bytes).
    private const int PieceBytes = 64 * 1024;

    private Segment? _segment;
    private byte[] _piece = [];
    private long _at;

    /// <summary>Reads entries that the map holds, both ends included: at least one, and no more once <paramref name="bytesMax"/> is reached.</summary>
    public int Read(LogIndex from, LogIndex to, long bytesMax, List<LogEntry> target)
    {
        // Nothing is kept from one read to the next, least of all from one that failed: each must see the disk.
        Enter(null);
        var count = 0;
        var bytes = 0L;
        for (var index = from; index <= to; index += 1, count++)
        {
            if (_segment is null || !_segment.Holds(index))
                Enter(map.SegmentOf(index));
            var entry = ReadOne(index, to, bytesMax - bytes);
            bytes += entry.SizeBytes;
            if (count > 0 && bytes > bytesMax)
                break;
            target.Add(entry);
        }

        Enter(null);
        return count;
    }

    private void Enter(Segment? segment)
    {
        _segment = segment;
        _piece = [];
        _at = 0;
    }

    private LogEntry ReadOne(LogIndex index, LogIndex to, long bytesMax)
    {
        var place = _segment!.PlaceOf(index);
        if (!InPiece(place, EntryRecord.HeaderBytes))
            Load(place, EntryRecord.HeaderBytes, Wanted(place, to, bytesMax));

        var size = EntryRecord.ClaimedSize(_piece.AsSpan((int)(place - _at)), _segment.Tail - place);
        if (size == 0)
            throw Damage(index, place, "a record is longer than its segment");
        if (!InPiece(place, size))
            Load(place, size, size);

        var record = _piece.AsMemory((int)(place - _at), size);
        if (!EntryRecord.IsWhole(record.Span, _segment.Nonce, place))
            throw Damage(index, place, "a record does not verify");
        var entry = EntryRecord.Decode(record);
        return entry.Index == index ? entry : throw Damage(index, place, $"entry {entry.Id} stands in its place");
    }

    private bool InPiece(long place, int bytes) => place >= _at && place + bytes <= _at + _piece.Length;

    private void Load(long place, int least, long wanted)
    {
        var length = (int)Math.Min(Math.Max(least, Math.Min(wanted, PieceBytes)), _segment!.Tail - place);
        var piece = GC.AllocateUninitializedArray<byte>(Math.Max(length, 0));
        _segment.File.ReadWhole(place, piece);
        if (length < least)
            throw Damage(LogIndex.Zero, place, "a record is longer than its segment");
        _piece = piece;
        _at = place;
    }

    // No more than what is asked for: up to the record behind the last, or what the caller has room for.
    private long Wanted(long place, LogIndex to, long bytesMax)
    {
        var end = to < _segment!.First + _segment.Count - 1 ? _segment.PlaceOf(to + 1) : _segment.Tail;
        return Math.Min(end - place, Math.Max(bytesMax, EntryRecord.HeaderBytes));
    }

    private WalDamageException Damage(LogIndex index, long offset, string what) =>
        new(_segment!.Name, offset, string.Create(CultureInfo.InvariantCulture, $"entry {index}"), what, "It was whole when it was written, or when the log was opened.");
}
