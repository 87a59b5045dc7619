using Quorate.Node.Storage;

namespace Quorate.Node.Wal;

/// <summary>Reads the frames of a segment from its beginning, and reports why it stopped. Used by recovery only.</summary>
/// <param name="segment">The segment.</param>
/// <param name="window">The read-ahead buffer, for one reader at a time: at least a sector.</param>
internal sealed class SegmentReader(Segment segment, byte[] window)
{
    private byte[] _frame = [];
    private long _windowAt = -1;
    private int _windowLength;

    /// <summary>The frame that <see cref="ReadFrame"/> has read; its records follow the header.</summary>
    public ReadOnlySpan<byte> Frame => _frame.AsSpan(0, Header.Length);

    /// <summary>The whole frame as it is on disk, up to the end of its last sector.</summary>
    public ReadOnlySpan<byte> FrameOnDisk => _frame.AsSpan(0, Header.LengthOnDisk);

    /// <summary>The header of that frame.</summary>
    public WalFrameHeader Header { get; private set; }

    /// <summary>The offset of that frame.</summary>
    public long Offset { get; private set; }

    /// <summary>Reads the frame at <paramref name="offset"/>, if there is one.</summary>
    public WalFrameState ReadFrame(long offset, out string what)
    {
        what = "";
        Offset = offset;
        if (offset + Sectors.Bytes > segment.Header.FileBytes)
            return WalFrameState.Unwritten;
        var sector = SectorAt(offset);
        if (Sectors.IsUnwritten(sector, segment.Nonce, offset))
            return WalFrameState.Unwritten;

        Header = default;
        if (!WalFrameHeader.TryRead(sector, segment.Nonce, offset, out var header))
        {
            what = "the header of a frame fails verification";
            return WalFrameState.Corrupt;
        }

        Header = header;
        if (header.LengthOnDisk < 0 || header.LengthOnDisk > segment.Header.FileBytes - offset)
        {
            what = $"a frame of {header.Length} bytes does not fit into the segment";
            return WalFrameState.Corrupt;
        }

        LoadFrame(offset, header.LengthOnDisk);
        what = FindFault(header);
        if (what.Length == 0)
            return WalFrameState.Valid;
        return HasUnwrittenSector(offset, header.LengthOnDisk) ? WalFrameState.Torn : WalFrameState.Corrupt;
    }

    /// <summary>
    /// Scans the region after the last valid frame: returns the first written sector, the end of the last one, and the first frame, if
    /// there is one.
    /// </summary>
    /// <remarks>
    /// The scan extends one frame length beyond the last written sector. Nothing can follow after that: a frame is written only when the
    /// previous one is durable, and the scan would have found that one.
    /// </remarks>
    public (long FirstWritten, long EndOfWritten, long Frame) ScanAfter(long offset)
    {
        long first = -1, end = -1, frame = -1;
        var reach = WalBatch.FrameBytesHardLimit(segment.Header.FileBytes);
        for (var at = offset; at < segment.Header.FileBytes && at - Math.Max(offset, end) <= reach; at += Sectors.Bytes)
        {
            var sector = SectorAt(at);
            if (Sectors.IsUnwritten(sector, segment.Nonce, at))
                continue;
            if (first < 0)
                first = at;
            end = at + Sectors.Bytes;
            if (frame < 0 && WalFrameHeader.TryRead(sector, segment.Nonce, at, out _))
                frame = at;
        }

        return (first, end, frame);
    }

    private string FindFault(WalFrameHeader header)
    {
        var bytes = _frame.AsSpan(0, header.LengthOnDisk);
        var at = WalFrameHeader.Bytes;
        var recordsChecksum = ~0u;
        for (var i = 0; i < header.Records; i++)
        {
            if (header.Length - at < WalEntryRecord.HeaderBytes)
                return $"record {i} of {header.Records} extends beyond the end of its frame";
            var size = WalEntryRecord.DeclaredSize(bytes[at..], header.Length - at);
            if (size == 0 || !WalEntryRecord.IsValid(bytes.Slice(at, size), segment.Nonce, Offset + at))
                return $"record {i} of {header.Records} in a frame fails verification";
            recordsChecksum = Crc32C.Continue(recordsChecksum, bytes.Slice(at, sizeof(uint)));
            at += size;
        }

        if (at != header.Length || ~recordsChecksum != header.RecordsChecksum)
            return "the records of a frame do not match its header";
        return bytes[at..].ContainsAnyExcept((byte)0) ? "the padding after the records of a frame is not zero" : "";
    }

    private bool HasUnwrittenSector(long offset, int length)
    {
        for (var at = 0; at < length; at += Sectors.Bytes)
        {
            if (Sectors.IsUnwritten(_frame.AsSpan(at, Sectors.Bytes), segment.Nonce, offset + at))
                return true;
        }

        return false;
    }

    private void LoadFrame(long offset, int length)
    {
        if (_frame.Length < length)
            _frame = new byte[length];
        segment.File.ReadExactly(offset, _frame.AsSpan(0, length));
    }

    private ReadOnlySpan<byte> SectorAt(long offset)
    {
        if (_windowAt < 0 || offset < _windowAt || offset + Sectors.Bytes > _windowAt + _windowLength)
            LoadWindow(offset);
        return window.AsSpan((int)(offset - _windowAt), Sectors.Bytes);
    }

    private void LoadWindow(long offset)
    {
        _windowAt = -1;
        _windowLength = (int)Math.Min(window.Length, segment.Header.FileBytes - offset);
        try
        {
            segment.File.ReadExactly(offset, window.AsSpan(0, _windowLength));
        }
        catch (WalCorruptionException) when (_windowLength > Sectors.Bytes)
        {
            // Some part of the window cannot be read, perhaps not the requested sector: read only that one.
            _windowLength = Sectors.Bytes;
            segment.File.ReadExactly(offset, window.AsSpan(0, _windowLength));
        }

        _windowAt = offset;
    }
}

/// <summary>The state of the place where a frame may begin.</summary>
internal enum WalFrameState
{
    /// <summary>The first sector was never written.</summary>
    Unwritten,

    /// <summary>A complete frame, as it was written.</summary>
    Valid,

    /// <summary>A torn frame: at least one of its sectors was never written, because the write did not finish.</summary>
    Torn,

    /// <summary>Content that no torn write explains.</summary>
    Corrupt,
}

/// <summary>Reads of storage files that report corruption.</summary>
internal static class StorageFileExtensions
{
    /// <summary>Fills <paramref name="target"/>; a file that ends before is corrupt.</summary>
    public static void ReadExactly(this IStorageFile file, long offset, Span<byte> target)
    {
        var read = file.ReadOrThrowCorruption(offset, target);
        if (read != target.Length)
        {
            throw new WalCorruptionException(
                file.Name, offset + read, "the entries from there on", "the file ends too early",
                "It was created in its full length before it was used.");
        }
    }

    /// <summary>Reads as much of <paramref name="target"/> as the file contains. Data that the disk cannot read counts as lost.</summary>
    public static int ReadOrThrowCorruption(this IStorageFile file, long offset, Span<byte> target)
    {
        try
        {
            return file.Read(offset, target);
        }
        catch (IOException fault)
        {
            throw new WalCorruptionException(
                file.Name, offset, "the entries there", $"the disk cannot read them ({fault.Message.TrimEnd('.')})",
                "It was written and flushed.", fault);
        }
    }
}
