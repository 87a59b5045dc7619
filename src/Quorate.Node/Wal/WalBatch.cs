using System.Runtime.InteropServices;
using Quorate.Raft;

namespace Quorate.Node.Wal;

/// <summary>What one write and one flush are to make durable: filled by a group's loop, written by the disk thread, then used again.</summary>
/// <remarks>
/// Shape: entries in the order they were appended; one whose index is at or before the last replaces everything from there on.
/// Threading: one owner at a time; hand it over, and touch it again when <see cref="WriteAheadLog.AppendAndFlush"/> has returned.
/// The bytes are laid out as frames while they are appended, room for the frames' headers included, so that the disk thread writes the
/// buffer as it stands. More than <see cref="FrameBytesSoftLimit"/> makes another frame: a frame is torn or whole, so it has a bound.
/// </remarks>
internal sealed class WalBatch
{
    /// <summary>A batch that had to hold more gives its memory back when it is emptied, bytes.</summary>
    private const int RetainedBytesMax = 16 << 20;

    private readonly WalOptions _options;
    private readonly List<WalFrame> _frames = [];
    private byte[] _buffer;
    private int _used;

    /// <summary>Makes an empty batch.</summary>
    public WalBatch(WalOptions options)
    {
        options.Validate();
        _options = options;
        _buffer = NewBuffer();
    }

    /// <summary>What the loop knows this batch by.</summary>
    public ulong Token { get; set; }

    /// <summary>Nothing to write. A commit mark alone is nothing: it is a hint, and rides with the next entries.</summary>
    public bool IsEmpty => _frames.Count == 0 && HardStateToSave is null;

    /// <summary>What the entries take on the disk, bytes.</summary>
    public int SizeBytes => _used;

    /// <summary>Term and vote to save before the entries, or null.</summary>
    public HardState? HardStateToSave { get; private set; }

    /// <summary>The highest index known to be committed; 0 when nothing was said.</summary>
    public LogIndex CommitMark { get; private set; }

    /// <summary>How many frames are durable already: a batch that met a full disk goes on from there.</summary>
    internal int FramesWritten { get; set; }

    internal ReadOnlySpan<WalFrame> Frames => CollectionsMarshal.AsSpan(_frames);

    /// <summary>Where a frame ends and the next begins: an eighth of what a segment may lose at its end for a frame that no longer fits.</summary>
    internal static int FrameBytesSoftLimit(int segmentBytes) => segmentBytes / 16;

    /// <summary>No frame is longer: it grows while it is below the soft bound, and then by one entry at most.</summary>
    internal static int FrameBytesHardLimit(int segmentBytes) =>
        FrameBytesSoftLimit(segmentBytes) + Sectors.RoundUp(FrameHeader.Bytes + EntryRecord.SizeOf(segmentBytes / 4));

    /// <summary>Adds entries to the end of the log, or from the first one's index on.</summary>
    /// <exception cref="ArgumentException">A payload is longer than <see cref="WalOptions.PayloadBytesMax"/>; that entry and those behind it were not added.</exception>
    public void Append(ReadOnlySpan<LogEntry> entries)
    {
        foreach (ref readonly var entry in entries)
        {
            if (entry.Payload.Length > _options.PayloadBytesMax)
                throw new ArgumentException($"Entry {entry.Id} has {entry.Payload.Length} payload bytes; the log takes {_options.PayloadBytesMax} (WalOptions.PayloadBytesMax).", nameof(entries));
            Append(in entry);
        }
    }

    /// <summary>Entries up to here are committed. It tells a torn write from damage when the log is opened.</summary>
    public void SetCommitIndex(LogIndex index) => CommitMark = LogIndex.Max(CommitMark, index);

    /// <summary>Term and vote that must be durable before the entries are; the last call counts.</summary>
    public void SetHardState(HardState state) => HardStateToSave = state;

    /// <summary>Empties the batch; its memory stays, within bounds.</summary>
    public void Clear()
    {
        if (_buffer.Length > RetainedBytesMax)
            _buffer = NewBuffer();
        _frames.Clear();
        _used = 0;
        FramesWritten = 0;
        HardStateToSave = null;
        CommitMark = LogIndex.Zero;
        Token = 0;
    }

    internal Span<byte> BytesOf(in WalFrame frame) => _buffer.AsSpan(frame.Begin, frame.LengthOnDisk);

    private void Append(in LogEntry entry)
    {
        var size = EntryRecord.SizeOf(entry.Payload.Length);
        if (_frames.Count == 0 || _frames[^1].Length + size > FrameBytesSoftLimit(_options.SegmentBytes))
            OpenFrame(entry.Index);

        ref var frame = ref CollectionsMarshal.AsSpan(_frames)[^1];
        var at = frame.Begin + frame.Length;
        var end = frame.Begin + Sectors.RoundUp(frame.Length + size);
        Reserve(end);
        EntryRecord.Write(_buffer.AsSpan(at, size), in entry);
        frame.Length += size;
        frame.Records++;

        // The rest of the last sector goes to the disk too, and holds what an earlier batch left there.
        _buffer.AsSpan(at + size, end - at - size).Clear();
        _used = end;
    }

    private void OpenFrame(LogIndex first)
    {
        Reserve(_used + FrameHeader.Bytes);
        _frames.Add(new WalFrame { Begin = _used, Length = FrameHeader.Bytes, First = first });
    }

    private byte[] NewBuffer() => new byte[Math.Min(64 * 1024, _options.SegmentBytes)];

    private void Reserve(int bytes)
    {
        if (bytes > _buffer.Length)
            Array.Resize(ref _buffer, Math.Max(bytes, (int)Math.Min(2L * _buffer.Length, Array.MaxLength)));
    }
}

/// <summary>Where a frame lies in its batch.</summary>
internal struct WalFrame
{
    public int Begin;
    public int Length;
    public int Records;
    public LogIndex First;

    public readonly int LengthOnDisk => Sectors.RoundUp(Length);
}
