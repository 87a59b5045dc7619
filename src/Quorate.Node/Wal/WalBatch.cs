using System.Runtime.InteropServices;
using Quorate.Raft;

namespace Quorate.Node.Wal;

/// <summary>The contents of one write and one flush: filled by the driver, written by the disk thread, then reused.</summary>
/// <remarks>
/// Shape: entries in the order of the appends; an entry whose index is at or before the last one replaces everything from there on.
/// Threading: one owner at a time. Hand the batch over, and use it again only after <see cref="WriteAheadLog.AppendAndFlush"/> has
/// returned.
/// The entries are laid out as frames while they are appended, with space for the frame headers, so that the disk thread writes the buffer
/// as it is. Beyond <see cref="FrameBytesSoftLimit"/> a new frame begins: a frame is torn or valid as a whole, so its size is bounded.
/// </remarks>
internal sealed class WalBatch
{
    /// <summary>The largest buffer that a batch keeps when it is cleared, bytes.</summary>
    private const int RetainedBytesMax = 16 << 20;

    private readonly WalOptions _options;
    private readonly List<WalFrameLocation> _frames = [];
    private byte[] _buffer;
    private int _used;

    /// <summary>Creates an empty batch.</summary>
    public WalBatch(WalOptions options)
    {
        options.Validate();
        _options = options;
        _buffer = NewBuffer();
    }

    /// <summary>The token by which the core identifies the appends of this batch.</summary>
    public ulong Token { get; set; }

    /// <summary>
    /// Whether there is nothing to write. A commit mark alone is not written: it is a hint, stored with the next entries.
    /// </summary>
    public bool IsEmpty => _frames.Count == 0 && HardStateToSave is null && ResetFirst is null;

    /// <summary>The size of the entries on disk, bytes.</summary>
    public int SizeBytes => _used;

    /// <summary>The term and vote to save before the entries, or null.</summary>
    public HardState? HardStateToSave { get; private set; }

    /// <summary>The highest index known to be committed; 0 if none was set.</summary>
    public LogIndex CommitMark { get; private set; }

    /// <summary>
    /// The first index of the log after it is replaced by a snapshot, before the entries of the batch are written; null: the log stays.
    /// </summary>
    public LogIndex? ResetFirst { get; private set; }

    /// <summary>Whether the log has been replaced already: a batch that was interrupted by a full disk continues from there.</summary>
    internal bool IsResetDone { get; set; }

    /// <summary>The number of frames that are durable already: a batch that was interrupted by a full disk continues from there.</summary>
    internal int FramesWritten { get; set; }

    internal ReadOnlySpan<WalFrameLocation> Frames => CollectionsMarshal.AsSpan(_frames);

    /// <summary>
    /// The size beyond which a frame ends and the next one begins. It also limits what a segment leaves unused at its end for a frame that
    /// no longer fits.
    /// </summary>
    internal static int FrameBytesSoftLimit(int segmentBytes) => segmentBytes / 16;

    /// <summary>The largest possible frame: a frame grows while it is below the soft limit, and then by at most one entry.</summary>
    internal static int FrameBytesHardLimit(int segmentBytes) =>
        FrameBytesSoftLimit(segmentBytes) + Sectors.RoundUp(WalFrameHeader.Bytes + WalEntryRecord.SizeOf(segmentBytes / 4));

    /// <summary>Appends entries at the end of the log, or from the index of the first one on.</summary>
    /// <exception cref="ArgumentException">
    /// A payload is longer than <see cref="WalOptions.PayloadBytesMax"/>; that entry and those after it were not added.
    /// </exception>
    public void Append(ReadOnlySpan<LogEntry> entries)
    {
        foreach (ref readonly var entry in entries)
        {
            if (entry.Payload.Length > _options.PayloadBytesMax)
            {
                throw new ArgumentException(
                    $"Entry {entry.Id} has {entry.Payload.Length} payload bytes; " +
                    $"the log takes {_options.PayloadBytesMax} (WalOptions.PayloadBytesMax).",
                    nameof(entries));
            }

            Append(in entry);
        }
    }

    /// <summary>Sets the highest index known to be committed. Recovery uses it to distinguish a torn write from corruption.</summary>
    public void SetCommitIndex(LogIndex index) => CommitMark = LogIndex.Max(CommitMark, index);

    /// <summary>Sets the term and vote that must be durable before the entries; the last call counts.</summary>
    public void SetHardState(HardState state) => HardStateToSave = state;

    /// <summary>
    /// Replaces the whole log by a durable snapshot; the next entry is <paramref name="first"/>. Entries that were appended to this batch
    /// before are left out: the snapshot covers them, or they conflict with it.
    /// </summary>
    public void ResetTo(LogIndex first)
    {
        Invariant.That(FramesWritten == 0 && !IsResetDone, "a batch is filled before it is written");
        _frames.Clear();
        _used = 0;
        ResetFirst = first;
    }

    /// <summary>Clears the batch; it keeps its buffer, up to a limit.</summary>
    public void Clear()
    {
        if (_buffer.Length > RetainedBytesMax)
            _buffer = NewBuffer();
        _frames.Clear();
        _used = 0;
        FramesWritten = 0;
        HardStateToSave = null;
        ResetFirst = null;
        IsResetDone = false;
        CommitMark = LogIndex.Zero;
        Token = 0;
    }

    internal Span<byte> BytesOf(in WalFrameLocation frame) => _buffer.AsSpan(frame.Begin, frame.LengthOnDisk);

    private void Append(in LogEntry entry)
    {
        var size = WalEntryRecord.SizeOf(entry.Payload.Length);
        if (_frames.Count == 0 || _frames[^1].Length + size > FrameBytesSoftLimit(_options.SegmentBytes))
            OpenFrame(entry.Index);

        ref var frame = ref CollectionsMarshal.AsSpan(_frames)[^1];
        var at = frame.Begin + frame.Length;
        var end = frame.Begin + Sectors.RoundUp(frame.Length + size);
        Reserve(end);
        WalEntryRecord.Write(_buffer.AsSpan(at, size), in entry);
        frame.Length += size;
        frame.Records++;

        // The rest of the last sector is written too; clear what an earlier batch left there.
        _buffer.AsSpan(at + size, end - at - size).Clear();
        _used = end;
    }

    private void OpenFrame(LogIndex first)
    {
        Reserve(_used + WalFrameHeader.Bytes);
        _frames.Add(new WalFrameLocation { Begin = _used, Length = WalFrameHeader.Bytes, First = first });
    }

    private byte[] NewBuffer() => new byte[Math.Min(64 * 1024, _options.SegmentBytes)];

    private void Reserve(int bytes)
    {
        if (bytes > _buffer.Length)
            Array.Resize(ref _buffer, Math.Max(bytes, (int)Math.Min(2L * _buffer.Length, Array.MaxLength)));
    }
}

/// <summary>The location of a frame within its batch.</summary>
internal struct WalFrameLocation
{
    public int Begin;
    public int Length;
    public int Records;
    public LogIndex First;

    public readonly int LengthOnDisk => Sectors.RoundUp(Length);
}
