using System.Buffers.Binary;
using System.Globalization;
using Quorate.Node.Storage;
using Quorate.Raft;

namespace Quorate.Node.Wal;

/// <summary>Reads the whole log once, when it is opened: finds its end, and distinguishes a torn write from corruption.</summary>
/// <remarks>
/// The rules are in docs/formats/wal.md. In one sentence: only the very last frame may be truncated, only if one of its sectors was never
/// written, and only if nothing was written after it. Such a frame was never acknowledged, because a frame is flushed before the next one
/// is written and before it is acknowledged.
/// </remarks>
internal sealed class LogRecovery(IStorage storage, DirectoryStamp stamp)
{
    private const int WindowBytesMax = 64 * 1024;

    private readonly List<EntryId> _terms = [];
    private readonly List<Segment> _opened = [];
    private readonly List<Segment> _spareSegments = [];
    private byte[] _window = [];
    private ulong? _nextFrame;
    private LogIndex _start = new(1);
    private bool _hasStart;
    private (Segment Segment, long From, long To, string What)? _torn;
    private (Segment Segment, long Offset)? _lastFrame;

    /// <summary>The entries of the log and their locations.</summary>
    public SegmentIndex SegmentIndex { get; } = new();

    /// <summary>Segments that are preallocated and contain no frame yet.</summary>
    public IReadOnlyList<Segment> SpareSegments => _spareSegments;

    /// <summary>The first entry of every term.</summary>
    public IReadOnlyList<EntryId> Terms => _terms;

    /// <summary>The highest commit mark that was written.</summary>
    public LogIndex CommitMark { get; private set; }

    /// <summary>The sequence number of the next frame.</summary>
    public ulong NextFrame => _nextFrame ?? 1;

    /// <summary>Describes, for the node's log output, what was truncated; null when the log ended cleanly.</summary>
    public string? TruncatedTail => _torn is not { } torn ? null : string.Create(CultureInfo.InvariantCulture,
        $"{torn.Segment.Name}: truncated bytes {torn.From} to {torn.To}, a torn write ({torn.What}) that was never acknowledged");

    /// <summary>Reads the segments with these sequence numbers, which are in order; there is at least one.</summary>
    public void Run(IReadOnlyList<ulong> sequences)
    {
        try
        {
            OpenSegments(sequences);
            _window = GC.AllocateUninitializedArray<byte>(Math.Min(WindowBytesMax, _opened.Max(static s => s.Header.FileBytes)));
            foreach (var segment in _opened)
                ReadSegment(segment);
            DetachSpareSegments();
            ResolveLogStart();
            MakeTailDurable();
        }
        catch
        {
            foreach (var segment in _opened)
                segment.Dispose();
            throw;
        }
    }

    private void OpenSegments(IReadOnlyList<ulong> sequences)
    {
        Span<byte> bytes = stackalloc byte[SegmentHeader.Bytes];
        foreach (var sequence in sequences)
        {
            if (_opened.Count > 0 && sequence != _opened[^1].Sequence + 1)
            {
                throw new WalCorruptionException(
                    Segment.NameOf(_opened[^1].Sequence + 1), 0, "all entries of the segment", "the file is missing",
                    "Segments are deleted oldest first, and each deletion is durable before the next.");
            }

            var file = storage.Open(Segment.NameOf(sequence));
            try
            {
                var read = file.ReadOrThrowCorruption(0, bytes);
                _opened.Add(new Segment(file, SegmentHeader.Read(bytes[..read], file.Name, sequence, file.Length, stamp)));
            }
            catch
            {
                file.Dispose();
                throw;
            }
        }
    }

    private void ReadSegment(Segment segment)
    {
        SegmentIndex.AddSegment(segment);
        var reader = new SegmentReader(segment, _window);
        WalFrameState state;
        string what;
        while ((state = reader.ReadFrame(segment.Tail, out what)) == WalFrameState.Valid)
        {
            AcceptFrame(segment, reader);
            segment.Tail += reader.Header.LengthOnDisk;
        }

        if (state == WalFrameState.Corrupt)
            throw Corruption(segment, segment.Tail, what, "Every sector of it was written, so it is not a torn write.");
        ReadTail(segment, reader, state, what);
    }

    // A valid frame: its sequence number must be the next one.
    private void AcceptFrame(Segment segment, SegmentReader reader)
    {
        var header = reader.Header;
        if (header.Group != GroupId.First)
        {
            throw new IOException(
                $"{segment.Name} has a frame of Raft group {header.Group} at byte {reader.Offset}; " +
                $"this build keeps one group, {GroupId.First}, in a log. Start the build that wrote it, or a newer one.");
        }

        if (_nextFrame is { } expected && header.Sequence != expected)
            throw OutOfSequence(segment, reader.Offset, header.Sequence, expected);
        if (_nextFrame is null && segment.Sequence == 1 && header.Sequence != 1)
        {
            throw Corruption(
                segment, reader.Offset, $"the log begins with frame {header.Sequence}", "The first frame of the first segment is frame 1.");
        }

        _torn = null;
        _lastFrame = (segment, reader.Offset);
        _nextFrame = header.Sequence + 1;
        AcceptEntries(segment, reader, header);
        CommitMark = LogIndex.Max(CommitMark, header.Commit);
        _start = header.Start;
    }

    private void AcceptEntries(Segment segment, SegmentReader reader, WalFrameHeader header)
    {
        if (header.Reset)
        {
            SegmentIndex.ResetTo(header.Start);
            _terms.Clear();
            _hasStart = true;
        }

        // The oldest segment may begin at any index: earlier entries were dropped. Before its first entry, the start of the log is unknown.
        if (!_hasStart && segment.Sequence > 1)
            SegmentIndex.ResetTo(header.First);
        _hasStart = true;

        var at = WalFrameHeader.Bytes;
        for (var i = 0; i < header.Records; i++)
        {
            var record = reader.Frame[at..];
            var id = WalEntryRecord.IdOf(record);
            AcceptEntry(segment, reader.Offset + at, id);
            at += WalEntryRecord.SizeOf(BinaryPrimitives.ReadInt32LittleEndian(record[4..]));
        }
    }

    private void AcceptEntry(Segment segment, long offset, EntryId id)
    {
        if (id.Index > SegmentIndex.Last + 1 || id.Index == LogIndex.Zero)
            throw Corruption(segment, offset, $"entry {id} follows entry {SegmentIndex.Last}", "Entries are written in order.");
        if (id.Index <= CommitMark)
        {
            throw Corruption(
                segment, offset, $"entry {id} replaces a committed entry (commit mark {CommitMark})", "A committed entry never changes.");
        }

        // The log was truncated at an index in a segment that has been deleted since: then everything read so far was replaced.
        if (id.Index < SegmentIndex.First)
            SegmentIndex.ResetTo(id.Index);
        SegmentIndex.Add(id.Index, offset);

        while (_terms.Count > 0 && _terms[^1].Index >= id.Index)
            _terms.RemoveAt(_terms.Count - 1);
        if (_terms.Count > 0 && _terms[^1].Term > id.Term)
        {
            throw Corruption(
                segment, offset, $"entry {id} has an earlier term than the one before it ({_terms[^1].Term})",
                "Terms never decrease along the log.");
        }

        if (_terms.Count == 0 || _terms[^1].Term != id.Term)
            _terms.Add(id);
    }

    // After the last valid frame there is nothing, or the rest of one torn frame, or corruption.
    private void ReadTail(Segment segment, SegmentReader reader, WalFrameState state, string what)
    {
        var header = reader.Header;
        var frameEnd = state == WalFrameState.Torn ? segment.Tail + header.LengthOnDisk : segment.Tail;
        var (first, end, frame) = reader.ScanAfter(frameEnd);
        if (state == WalFrameState.Unwritten && first < 0)
            return;
        if (frame >= 0 || (state == WalFrameState.Torn && first >= 0))
        {
            throw Corruption(segment, segment.Tail, state == WalFrameState.Torn ? what : "a frame is missing",
                $"Something was written after it, at byte {Math.Max(first, frame)}, and that happens only after the frame was flushed.");
        }

        if (end - segment.Tail > WalBatch.FrameBytesHardLimit(segment.Header.FileBytes))
        {
            throw Corruption(
                segment, segment.Tail, "a frame is missing", "More was written after it than one torn write can have left.");
        }

        if (state == WalFrameState.Torn && header.Sequence != NextFrame && _nextFrame is not null)
        {
            throw Corruption(segment, segment.Tail, $"frame {header.Sequence} is in the place of frame {NextFrame}",
                "The frames between them were flushed before this one was written.");
        }

        if (state == WalFrameState.Torn && header.Records > 0 && header.First <= CommitMark)
        {
            throw Corruption(
                segment, segment.Tail, what, $"It holds entry {header.First}, and entries up to {CommitMark} were committed.");
        }

        if (_torn is not null)
            throw Corruption(segment, segment.Tail, "two torn writes", "There is never more than one write in progress.");

        _torn = (segment, segment.Tail, Math.Max(end, frameEnd),
            state == WalFrameState.Torn ? what : "the first sector of a frame was never written");
    }

    // Segments after the last one with a frame were preallocated.
    private void DetachSpareSegments()
    {
        while (SegmentIndex.Segments.Count > 1 && SegmentIndex.Current.Tail == SegmentHeader.Bytes)
            _spareSegments.Insert(0, SegmentIndex.RemoveNewest());
        if (_nextFrame is null && SegmentIndex.Segments[0].Sequence != 1)
        {
            throw new WalCorruptionException(
                SegmentIndex.Segments[0].Name, SegmentHeader.Bytes, "all entries",
                "no segment contains a frame, though earlier segments were used and deleted",
                "The first frame of a segment is flushed before an earlier segment is deleted.");
        }
    }

    private void ResolveLogStart()
    {
        if (_start < SegmentIndex.First)
        {
            throw new WalCorruptionException(
                SegmentIndex.Segments[0].Name, SegmentHeader.Bytes,
                string.Create(CultureInfo.InvariantCulture, $"entries {_start} to {SegmentIndex.First - 1}"),
                "earlier segments are missing", "The log states a start before the first entry that was found.");
        }

        if (_start > SegmentIndex.Last + 1)
        {
            throw new WalCorruptionException(
                SegmentIndex.Current.Name, SegmentIndex.Current.Tail,
                string.Create(CultureInfo.InvariantCulture, $"entries {SegmentIndex.Last + 1} to {_start - 1}"),
                "the last entry is before the start of the log", "An entry is dropped only after it was written.");
        }

        if (CommitMark > SegmentIndex.Last && CommitMark >= _start)
        {
            throw new WalCorruptionException(
                SegmentIndex.Current.Name, SegmentIndex.Current.Tail,
                string.Create(CultureInfo.InvariantCulture, $"entries {SegmentIndex.Last + 1} to {CommitMark}"),
                "committed entries are missing", "The commit mark is written with, or after, the entries it covers.");
        }

        SegmentIndex.SetFirst(_start);
        while (_terms.Count > 1 && _terms[1].Index <= _start)
            _terms.RemoveAt(0);
        if (_terms.Count > 0 && _start <= SegmentIndex.Last)
            _terms[0] = _terms[0] with { Index = LogIndex.Max(_start, _terms[0].Index) };
        else
            _terms.Clear();
    }

    // Readable data is not necessarily durable, and neither is a region that reads as unwritten. The previous process may have ended
    // between a write and its flush, while the system kept the pages; or its flush failed, and the system marked the pages clean, so that
    // no later flush writes them (fsyncgate). Rewritten pages are dirty again. Two regions can be in that state:
    // - The last frame, and no other, since each frame is flushed before the next is written. Without this rewrite, a node would
    // acknowledge the frame and lose it in the next power loss.
    // - The region of the next frame. Recovery overwrites a torn write there, and a process may have ended during that: the next process
    // reads unwritten sectors where the disk holds the rest of a frame, and what a shorter next frame leaves of that rest would be mistaken
    // for corruption.
    private void MakeTailDurable()
    {
        if (_lastFrame is { } last)
        {
            var reader = new SegmentReader(last.Segment, _window);
            if (reader.ReadFrame(last.Offset, out var what) != WalFrameState.Valid)
                throw Corruption(last.Segment, last.Offset, what, "The frame was valid when it was read a moment ago.");
            last.Segment.File.Write(last.Offset, reader.FrameOnDisk);
        }

        foreach (var segment in _spareSegments.Prepend(SegmentIndex.Current))
        {
            ClearAfterTail(segment);
            segment.File.Flush();
        }
    }

    // A torn write never extends beyond the longest possible frame.
    private void ClearAfterTail(Segment segment)
    {
        var end = Math.Min(segment.Tail + WalBatch.FrameBytesHardLimit(segment.Header.FileBytes), segment.Header.FileBytes);
        for (var at = segment.Tail; at < end; at += _window.Length)
        {
            var sectors = _window.AsSpan(0, (int)Math.Min(end - at, _window.Length));
            Sectors.FillUnwritten(sectors, segment.Nonce, at);
            segment.File.Write(at, sectors);
        }
    }

    // Report the offset where the missing frame belongs: often the end of the previous segment.
    private WalCorruptionException OutOfSequence(Segment segment, long offset, ulong found, ulong expected)
    {
        var why = $"Frame {found} is in {segment.Name} at byte {offset}, and a frame is written only after the previous one was flushed.";
        if (_torn is { } torn)
            return Corruption(torn.Segment, torn.From, $"frame {expected} is incomplete: {torn.What}", why);
        return offset == SegmentHeader.Bytes && SegmentIndex.Segments.Count > 1
            ? Corruption(SegmentIndex.Segments[^2], SegmentIndex.Segments[^2].Tail, $"frame {expected} is missing", why)
            : Corruption(segment, offset, $"frame {expected} is missing", why);
    }

    private WalCorruptionException Corruption(Segment segment, long offset, string what, string why) =>
        new(segment.Name, offset, string.Create(CultureInfo.InvariantCulture, $"entries from {SegmentIndex.Last + 1} on"), what, why);
}
