using Quorate.Node.Io;
using Quorate.Raft;

namespace Quorate.Node.Wal;

/// <summary>The log on the disk: what <see cref="AppendAndFlush"/> returned for survives a power cut; what was damaged since is never given out.</summary>
/// <remarks>
/// Threading: one thread, the disk thread. Errors: after a failed write or flush nobody knows what is on the disk, so the log refuses everything
/// from then on; the process must end and start again from what the disk really has. A disk that is full shows before anything of a frame is
/// written, and leaves the log as it was. Formats and rules: docs/formats/wal.md.
/// </remarks>
internal sealed class WriteAheadLog : IDisposable
{
    private readonly IStorage _storage;
    private readonly HardStateFile _hardState;
    private readonly SegmentIndex _segmentIndex;
    private readonly LogReader _reader;
    private readonly SegmentAllocator _allocator;
    private readonly byte[] _controlFrame = new byte[Sectors.Bytes];
    private ulong _nextFrame;
    private LogIndex _commitMark;
    private uint _recordsChecksum;
    private Exception? _failure;

    private WriteAheadLog(IStorage storage, WalOptions options, HardStateFile hardState, LogRecovery recovery)
    {
        _storage = storage;
        _hardState = hardState;
        _segmentIndex = recovery.SegmentIndex;
        _reader = new LogReader(recovery.SegmentIndex);
        _allocator = new SegmentAllocator(storage, options);
        _nextFrame = recovery.NextFrame;
        _commitMark = recovery.CommitMark;
        foreach (var spare in recovery.SpareSegments)
            _allocator.AddSpare(spare);
    }

    /// <summary>The first entry that can be read.</summary>
    public LogIndex FirstIndex => _segmentIndex.First;

    /// <summary>The last entry that is durable.</summary>
    public LogIndex LastIndex => _segmentIndex.Last;

    /// <summary>Term and vote that are durable.</summary>
    public HardState HardState => _hardState.State;

    /// <summary>Opens the log in a folder, or makes it there.</summary>
    /// <exception cref="WalCorruptionException">What is there was changed since it was written.</exception>
    public static (WriteAheadLog Log, RecoveredLog Recovered) Open(IStorage storage, WalOptions options)
    {
        options.Validate();
        var sequences = SegmentSequences(storage);
        var hardState = OpenHardState(storage, isNew: sequences.Count == 0);
        WriteAheadLog? log = null;
        try
        {
            SegmentAllocator.RemoveUnfinished(storage);
            if (sequences.Count == 0)
                CreateFirstSegment(storage, options, sequences);
            var recovery = new LogRecovery(storage);
            recovery.Run(sequences);

            // Names that the process before made, changed or removed may be no more durable than the last frame was.
            storage.FlushDirectory();
            log = new WriteAheadLog(storage, options, hardState, recovery);
            var recovered = new RecoveredLog(hardState.State, log.FirstIndex, log.LastIndex, recovery.CommitMark, [.. recovery.Terms], recovery.TruncatedTail);
            if (recovered.LastTerm > hardState.State.Term)
                throw new WalCorruptionException(HardStateFile.Name, 0, "term and vote", $"the saved term is {hardState.State.Term}, the last entry's is {recovered.LastTerm}",
                    "A term is durable before any entry of it.");

            // What a crash kept from being deleted when the beginning of the log moved.
            log.DeleteBefore(log.FirstIndex);
            return (log, recovered);
        }
        catch
        {
            log?.Dispose();
            hardState.Dispose();
            throw;
        }
    }

    /// <summary>Makes everything in the batch durable: one write and one flush, and one more before it when term or vote changed.</summary>
    /// <remarks>Durability: all of it when this returns; none of it was promised when it throws.</remarks>
    /// <exception cref="IOException">There is no room for the next segment; the log is as it was, and the batch may be tried again.</exception>
    public void AppendAndFlush(WalBatch batch)
    {
        ThrowIfFailed();
        // First: an entry of a term must never be durable while the term is not, or a restart would take the node back into the past of its log.
        if (batch.HardStateToSave is { } state && state != _hardState.State)
            SaveHardState(state);

        var frames = batch.Frames;
        for (var i = batch.FramesWritten; i < frames.Length; i++)
        {
            ref readonly var frame = ref frames[i];
            var bytes = batch.BytesOf(in frame);
            Require(frame.First <= _segmentIndex.Last + 1 && frame.First > _commitMark, frame.First);
            EnsureSpace(bytes.Length);

            // The new mark goes with the last frame: it may cover entries of this very batch.
            var last = SealAndIndex(bytes, in frame);
            var commitMark = i == frames.Length - 1 ? LogIndex.Min(LogIndex.Max(_commitMark, batch.CommitMark), last) : _commitMark;
            WriteFrame(bytes, new FrameHeader(_nextFrame, frame.Length, frame.Records, frame.First, _segmentIndex.First, commitMark, Reset: false, _recordsChecksum));
            batch.FramesWritten = i + 1;
        }

        _commitMark = LogIndex.Min(LogIndex.Max(_commitMark, batch.CommitMark), _segmentIndex.Last);
        PreallocateNext();
    }

    /// <summary>Reads entries <paramref name="from"/> to <paramref name="to"/>, both included, as far as <paramref name="bytesMax"/> allows; at least one.</summary>
    /// <returns>How many were added to <paramref name="target"/>.</returns>
    /// <exception cref="WalCorruptionException">An entry is not what was written. Those before it were added.</exception>
    public int Read(LogIndex from, LogIndex to, long bytesMax, List<LogEntry> target)
    {
        ThrowIfFailed();
        ArgumentOutOfRangeException.ThrowIfLessThan(from, _segmentIndex.First);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(to, _segmentIndex.Last);
        return _reader.Read(from, to, bytesMax, target);
    }

    /// <summary>Entries before <paramref name="first"/> are in a durable snapshot: the segments that hold nothing else are deleted.</summary>
    /// <remarks>
    /// Whole segments only, so <see cref="FirstIndex"/> ends at or before <paramref name="first"/>. Durability: the new beginning is on the disk
    /// before a file is deleted.
    /// </remarks>
    public void DropBefore(LogIndex first)
    {
        ThrowIfFailed();
        first = LogIndex.Min(first, _segmentIndex.Last + 1);
        var count = _segmentIndex.SegmentsBefore(first);
        if (count == 0 || first <= _segmentIndex.First)
            return;

        WriteControlFrame(LogIndex.Max(_segmentIndex.First, _segmentIndex.FirstAfter(count)), reset: false);
        DeleteBefore(_segmentIndex.First);
    }

    /// <summary>A snapshot replaces the log: no entry counts, the next one is <paramref name="first"/>.</summary>
    /// <remarks>Durability: on the disk when this returns. The snapshot must be durable before.</remarks>
    public void ResetTo(LogIndex first)
    {
        ThrowIfFailed();
        Require(first > _commitMark, first);
        WriteControlFrame(first, reset: true);
        DeleteBefore(first);
    }

    /// <summary>Closes the files. It writes and flushes nothing: what was not committed is not kept.</summary>
    public void Dispose()
    {
        _allocator.Dispose();
        foreach (var segment in _segmentIndex.Segments)
            segment.Dispose();
        _hardState.Dispose();
    }

    private static List<ulong> SegmentSequences(IStorage storage)
    {
        var sequences = new List<ulong>();
        foreach (var name in storage.List())
        {
            if (Segment.TryParseName(name, out var sequence))
                sequences.Add(sequence);
        }

        sequences.Sort();
        return sequences;
    }

    // The hard state is made before the first segment, and saved only after it. So each without the other tells something.
    private static HardStateFile OpenHardState(IStorage storage, bool isNew)
    {
        if (!storage.List().Contains(HardStateFile.Name, StringComparer.Ordinal))
        {
            return isNew ? HardStateFile.Create(storage) : throw new WalCorruptionException(HardStateFile.Name, 0, "term and vote", "the file is missing",
                "It is made before the first segment of the log, and a node that forgot a vote could vote twice in one term.");
        }

        var hardState = HardStateFile.Open(storage);
        if (!isNew || hardState.Generation <= 1)
            return hardState;
        hardState.Dispose();
        throw new WalCorruptionException(Segment.NameOf(1), 0, "all entries", "no segment of the log is there", "A term was saved, and that happens only after the first segment was made.");
    }

    private static void CreateFirstSegment(IStorage storage, WalOptions options, List<ulong> sequences)
    {
        using var allocator = new SegmentAllocator(storage, options);
        allocator.Take(1).Dispose();
        sequences.Add(1);
    }

    private void SaveHardState(HardState state)
    {
        Require(state.Term >= _hardState.State.Term, LogIndex.Zero);
        try
        {
            _hardState.Save(state);
        }
        catch (Exception e)
        {
            _failure = e;
            throw;
        }
    }

    // Before anything is written: a full disk must leave the log as it was.
    private void EnsureSpace(int bytes)
    {
        try
        {
            // Segments that are there may be shorter than those we make now, and recovery looks for the end of a torn frame as far as their length allows one.
            while (_segmentIndex.Current.FreeBytes < bytes || WalBatch.FrameBytesHardLimit(_segmentIndex.Current.Header.FileBytes) < bytes)
            {
                var full = _segmentIndex.Current;
                _segmentIndex.AddSegment(_allocator.Take(full.Sequence + 1));
                full.File.EvictFromPageCache();
            }
        }
        catch (DiskFlushException e)
        {
            _failure = e;
            throw;
        }
    }

    private void PreallocateNext()
    {
        try
        {
            _allocator.Preallocate(_segmentIndex.Current);
        }
        catch (DiskFlushException e)
        {
            _failure = e;
            throw;
        }
    }

    // Ties the records to the place they will have, and enters them into the map.
    private LogIndex SealAndIndex(Span<byte> bytes, in WalFrame frame)
    {
        var segment = _segmentIndex.Current;
        var at = FrameHeader.Bytes;
        var recordsChecksum = ~0u;
        for (var i = 0; i < frame.Records; i++)
        {
            var record = bytes[at..];
            var index = EntryRecord.IdOf(record).Index;
            Require(index <= _segmentIndex.Last + 1 && index > _commitMark, index);
            var size = EntryRecord.Seal(record, segment.Nonce, segment.Tail + at);
            recordsChecksum = Crc32C.Continue(recordsChecksum, record[..sizeof(uint)]);
            _segmentIndex.Add(index, segment.Tail + at);
            at += size;
        }

        _recordsChecksum = ~recordsChecksum;
        return _segmentIndex.Last;
    }

    private void WriteFrame(Span<byte> bytes, FrameHeader header)
    {
        var segment = _segmentIndex.Current;
        header.Write(bytes, segment.Nonce, segment.Tail);
        try
        {
            segment.File.Write(segment.Tail, bytes);
            segment.File.Flush();
        }
        catch (Exception e)
        {
            _failure = e;
            throw;
        }

        segment.Tail += bytes.Length;
        _nextFrame++;
    }

    // A frame without entries: it says where the log begins.
    private void WriteControlFrame(LogIndex start, bool reset)
    {
        EnsureSpace(_controlFrame.Length);
        if (reset)
            _segmentIndex.ResetTo(start);
        else
            _segmentIndex.SetFirst(start);

        Array.Clear(_controlFrame);
        _commitMark = reset ? LogIndex.Max(_commitMark, start - 1) : _commitMark;
        WriteFrame(_controlFrame, new FrameHeader(_nextFrame, FrameHeader.Bytes, 0, _segmentIndex.Last + 1, start, _commitMark, reset, Crc32C.Of([])));
    }

    // Each deletion is durable before the next: what a crash leaves has no hole.
    private void DeleteBefore(LogIndex first)
    {
        for (var count = _segmentIndex.SegmentsBefore(first); count > 0; count--)
        {
            using var segment = _segmentIndex.RemoveOldest();
            segment.File.Dispose();
            try
            {
                _storage.Delete(segment.Name);
                _storage.FlushDirectory();
            }
            catch (Exception e)
            {
                _failure = e;
                throw;
            }
        }
    }

    private void Require(bool holds, LogIndex index)
    {
        if (holds)
            return;
        var violation = new InvariantViolationException(
            $"The log was asked for what must never be: entry {index} while it holds {_segmentIndex.First} to {_segmentIndex.Last}, committed to {_commitMark}, {_hardState.State}.");
        _failure = violation;
        throw violation;
    }

    private void ThrowIfFailed()
    {
        if (_failure is not null)
            throw new InvalidOperationException("The log refuses everything since an earlier failure, after which nobody knows what is on the disk. End the process and start it again.", _failure);
    }
}
