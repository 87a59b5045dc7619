using Quorate.Node.Io;

namespace Quorate.Node.Wal;

/// <summary>Reads a segment's frames from the beginning, and says why it stopped. Used by recovery alone.</summary>
/// <param name="segment">What is read.</param>
/// <param name="window">Room for what is read ahead, one reader at a time: at least a sector.</param>
internal sealed class SegmentReader(Segment segment, byte[] window)
{
    private byte[] _frame = [];
    private long _windowAt = -1;
    private int _windowLength;

    /// <summary>The frame that <see cref="ReadFrame"/> found; its records follow the header.</summary>
    public ReadOnlySpan<byte> Frame => _frame.AsSpan(0, Header.Length);

    /// <summary>All that it takes on the disk, up to the end of its last sector.</summary>
    public ReadOnlySpan<byte> FrameOnDisk => _frame.AsSpan(0, Header.LengthOnDisk);

    /// <summary>Its header.</summary>
    public FrameHeader Header { get; private set; }

    /// <summary>Where it lies.</summary>
    public long Offset { get; private set; }

    /// <summary>Reads what stands at <paramref name="offset"/>.</summary>
    public FrameState ReadFrame(long offset, out string what)
    {
        what = "";
        Offset = offset;
        if (offset + Sectors.Bytes > segment.Header.FileBytes)
            return FrameState.Unwritten;
        var sector = SectorAt(offset);
        if (Sectors.IsUnwritten(sector, segment.Nonce, offset))
            return FrameState.Unwritten;

        Header = default;
        if (!FrameHeader.TryRead(sector, segment.Nonce, offset, out var header))
        {
            what = "the header of a frame does not verify";
            return FrameState.Corrupt;
        }

        Header = header;
        if (header.LengthOnDisk < 0 || header.LengthOnDisk > segment.Header.FileBytes - offset)
        {
            what = $"a frame of {header.Length} bytes does not fit into the segment";
            return FrameState.Corrupt;
        }

        LoadFrame(offset, header.LengthOnDisk);
        what = FindFault(header);
        if (what.Length == 0)
            return FrameState.Valid;
        return HasUnwrittenSector(offset, header.LengthOnDisk) ? FrameState.Torn : FrameState.Corrupt;
    }

    /// <summary>What lies behind the last whole frame: the first and the last sector something was written to, and a frame, if there is one.</summary>
    /// <remarks>
    /// It looks as far as one frame can reach past the last written sector. Further on nothing can be: a frame is written only when the one
    /// before it is durable, and that one would have been seen.
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
            if (frame < 0 && FrameHeader.TryRead(sector, segment.Nonce, at, out _))
                frame = at;
        }

        return (first, end, frame);
    }

    private string FindFault(FrameHeader header)
    {
        var bytes = _frame.AsSpan(0, header.LengthOnDisk);
        var at = FrameHeader.Bytes;
        var recordsChecksum = ~0u;
        for (var i = 0; i < header.Records; i++)
        {
            if (header.Length - at < EntryRecord.HeaderBytes)
                return $"record {i} of {header.Records} lies beyond the end of its frame";
            var size = EntryRecord.DeclaredSize(bytes[at..], header.Length - at);
            if (size == 0 || !EntryRecord.IsValid(bytes.Slice(at, size), segment.Nonce, Offset + at))
                return $"record {i} of {header.Records} in a frame does not verify";
            recordsChecksum = Crc32C.Continue(recordsChecksum, bytes.Slice(at, sizeof(uint)));
            at += size;
        }

        if (at != header.Length || ~recordsChecksum != header.RecordsChecksum)
            return "the records of a frame are not those its header was written for";
        return bytes[at..].ContainsAnyExcept((byte)0) ? "what follows the records of a frame is not zero" : "";
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
            // Something in it cannot be read, and it may be nothing that was asked for.
            _windowLength = Sectors.Bytes;
            segment.File.ReadExactly(offset, window.AsSpan(0, _windowLength));
        }

        _windowAt = offset;
    }
}

/// <summary>What stands at the place where a frame may begin.</summary>
internal enum FrameState
{
    /// <summary>Nothing was written to that sector.</summary>
    Unwritten,

    /// <summary>A frame, all of it as it was written.</summary>
    Valid,

    /// <summary>A frame of which at least one sector was never written: its write did not finish.</summary>
    Torn,

    /// <summary>Something that no unfinished write explains.</summary>
    Corrupt,
}

/// <summary>Small words on disk files.</summary>
internal static class StorageFileExtensions
{
    /// <summary>Reads all of <paramref name="target"/>; a file that ends before is damaged.</summary>
    public static void ReadExactly(this IStorageFile file, long offset, Span<byte> target)
    {
        var read = file.ReadOrThrowCorruption(offset, target);
        if (read != target.Length)
            throw new WalCorruptionException(file.Name, offset + read, "the entries from there on", "the file ends too early", "It was made in its full length before it was used.");
    }

    /// <summary>Reads what there is of <paramref name="target"/>. What the disk cannot read is as good as lost.</summary>
    public static int ReadOrThrowCorruption(this IStorageFile file, long offset, Span<byte> target)
    {
        try
        {
            return file.Read(offset, target);
        }
        catch (IOException fault)
        {
            throw new WalCorruptionException(file.Name, offset, "the entries there", $"the disk cannot read it ({fault.Message.TrimEnd('.')})", "It was written, and flushed.", fault);
        }
    }
}
