using Quorate.Node.Storage;
using Quorate.Node.Versions;
using Quorate.Raft;

namespace Quorate.Node.Wal;

/// <summary>
/// The write-ahead log. A batch survives a power loss once <see cref="AppendAndFlush"/> has returned; corrupt data is never returned.
/// </summary>
/// <remarks>
/// Threading: one thread, the disk thread. Errors: after a failed write or flush the content of the disk is unknown, so the log rejects
/// every further call; the process must exit, and the next start recovers what the disk really holds. A full disk is detected before any
/// part of a frame is written, and leaves the log unchanged. Formats and rules: docs/formats/wal.md.
/// </remarks>
internal sealed class WriteAheadLog : IDisposable
{
    private readonly IStorage _storage;
    private readonly HardStateFiles _hardState;
    private readonly SegmentIndex _segmentIndex;
    private readonly LogReader _reader;
    private readonly SegmentAllocator _allocator;
    private readonly byte[] _controlFrame = new byte[Sectors.Bytes];
    private ulong _nextFrame;
    private LogIndex _commitMark;
    private uint _recordsChecksum;
    private Exception? _failure;

    // Whether a failure leaves the log unchanged, because only space for the next segment is being reserved.
    private bool _isReservingSpace;

    private WriteAheadLog(
        IStorage storage, WalOptions options, IdentityFile identity, HardStateFiles hardState, LogRecovery recovery)
    {
        _storage = storage;
        _hardState = hardState;
        _segmentIndex = recovery.SegmentIndex;
        _reader = new LogReader(recovery.SegmentIndex);
        _allocator = new SegmentAllocator(storage, options, identity);
        _nextFrame = recovery.NextFrame;
        _commitMark = recovery.CommitMark;
        foreach (var spare in recovery.SpareSegments)
            _allocator.AddSpare(spare);
    }

    /// <summary>The first entry that can be read.</summary>
    public LogIndex FirstIndex => _segmentIndex.First;

    /// <summary>The last durable entry.</summary>
    public LogIndex LastIndex => _segmentIndex.Last;

    /// <summary>The durable term and vote.</summary>
    public HardState HardState => _hardState.State;

    /// <summary>Whether a failure has left the content of the disk unknown: every call is rejected from then on.</summary>
    public bool HasFailed => _failure is not null;

    /// <summary>
    /// Why space is short: the next segment or the reserve could not be created; null while both could. Writes go on for as long as a
    /// segment has space.
    /// </summary>
    public IOException? SpaceShortage => _allocator.Shortage;

    /// <summary>Opens the log in a data directory, or creates it.</summary>
    /// <exception cref="WalCorruptionException">The data is not what was written.</exception>
    /// <exception cref="IOException">No space is left, or another version wrote the data.</exception>
    public static (WriteAheadLog Log, RecoveredLog Recovered) Open(IStorage storage, WalOptions options, IdentityFile identity)
    {
        options.Validate();
        var sequences = SegmentSequences(storage);
        VerifyNewestSegment(sequences, identity.NewestSegment);
        string? hardStateRepair = null;
        var hardState = OpenHardState(
            storage, identity, isNew: sequences.Count == 0, onRepaired: description => hardStateRepair = description);
        WriteAheadLog? log = null;
        try
        {
            SegmentAllocator.RemoveUnfinished(storage);
            if (sequences.Count == 0)
                CreateFirstSegment(storage, options, identity, sequences);
            var recovery = new LogRecovery(storage, identity.Stamp);
            recovery.Run(sequences);
            VerifyUnrecordedSegment(recovery, identity.NewestSegment);

            // Names that the previous process created, changed or removed may be no more durable than its last frame.
            // Only a segment whose name is durable is recorded.
            storage.FlushDirectory();
            identity.RecordNewestSegment(sequences[^1]);
            log = new WriteAheadLog(storage, options, identity, hardState, recovery);
            var recovered = new RecoveredLog(
                hardState.State, log.FirstIndex, log.LastIndex, recovery.CommitMark, [.. recovery.Terms], recovery.TruncatedTail,
                hardStateRepair);
            if (recovered.LastTerm > hardState.State.Term)
            {
                throw new WalCorruptionException(
                    HardStateFile.Name, 0, "term and vote",
                    $"the saved term is {hardState.State.Term}, the last entry's is {recovered.LastTerm}",
                    "A term is durable before any entry of it.");
            }

            // Delete the segments that a crash kept from being deleted when the start of the log moved.
            log.DeleteBefore(log.FirstIndex);
            log._allocator.TryRestoreReserve();
            return (log, recovered);
        }
        catch
        {
            log?.Dispose();
            hardState.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Makes the batch durable: with one write and one flush, and with one more of each before them when term or vote changed.
    /// </summary>
    /// <remarks>Durability: the whole batch when this returns; no part of it is acknowledged when this throws.</remarks>
    /// <exception cref="IOException">
    /// No space is left for the next segment. The log is unchanged, and the batch may be written again.
    /// </exception>
    public void AppendAndFlush(WalBatch batch)
    {
        RejectAfterFailure();
        try
        {
            WriteBatch(batch);
        }
        catch (Exception fault) when (RecordFailure(fault))
        {
            throw;
        }
    }

    /// <summary>
    /// Reads entries <paramref name="from"/> to <paramref name="to"/>, both included, up to <paramref name="bytesMax"/> but at least one.
    /// </summary>
    /// <returns>The number of entries added to <paramref name="target"/>.</returns>
    /// <exception cref="WalCorruptionException">An entry is not what was written. The entries before it were added.</exception>
    public int Read(LogIndex from, LogIndex to, long bytesMax, List<LogEntry> target)
    {
        RejectAfterFailure();
        ArgumentOutOfRangeException.ThrowIfLessThan(from, _segmentIndex.First);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(to, _segmentIndex.Last);
        return _reader.Read(from, to, bytesMax, target);
    }

    /// <summary>
    /// Drops entries before <paramref name="first"/>, which are in a durable snapshot: deletes the segments that contain no other entries.
    /// </summary>
    /// <remarks>
    /// Drops whole segments only, so <see cref="FirstIndex"/> is at or before <paramref name="first"/> afterwards. Durability: the new
    /// start of the log is on disk before a file is deleted.
    /// </remarks>
    public void DropBefore(LogIndex first)
    {
        RejectAfterFailure();
        first = LogIndex.Min(first, _segmentIndex.Last + 1);
        var count = _segmentIndex.SegmentsBefore(first);
        if (count == 0 || first <= _segmentIndex.First)
            return;

        MoveStartRecordingFailure(LogIndex.Max(_segmentIndex.First, _segmentIndex.FirstAfter(count)), reset: false);
    }

    /// <summary>Replaces the log by a snapshot: removes all entries; the next entry is <paramref name="first"/>.</summary>
    /// <remarks>Durability: on disk when this returns. The snapshot must be durable before the call.</remarks>
    public void ResetTo(LogIndex first)
    {
        RejectAfterFailure();
        MoveStartRecordingFailure(first, reset: true);
    }

    /// <summary>
    /// Writes and flushes the durable term and vote once more, to find out whether the disk completes a write; if space is short, looks
    /// whether there is enough again.
    /// </summary>
    /// <exception cref="IOException">The disk failed.</exception>
    public void CheckDisk()
    {
        RejectAfterFailure();
        try
        {
            _hardState.Save(_hardState.State);
            if (SpaceShortage is not null)
                _allocator.TryRestoreReserve();
        }
        catch (Exception fault) when (RecordFailure(fault))
        {
            throw;
        }
    }

    /// <summary>Closes the files. Writes and flushes nothing: entries that were not flushed are lost.</summary>
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

    // A segment is recorded when it is on disk and before it is used. So the recorded one is there, and at most one is there that is not
    // recorded: the next one, when a crash came between its creation and the record.
    private static void VerifyNewestSegment(List<ulong> sequences, ulong newest)
    {
        if (newest > 0 && !sequences.Contains(newest))
        {
            throw new WalCorruptionException(
                Segment.NameOf(newest), 0, "all entries of the segment", "the file is missing",
                $"The file {IdentityFile.Name} records it as the newest segment of the log, and the newest segment is never deleted.",
                cause: null, "If the file was moved away, put it back.");
        }

        if (sequences.Count > 0 && sequences[^1] > newest + 1)
            throw OutdatedIdentity(newest, sequences[^1], "is there");
    }

    private static void VerifyUnrecordedSegment(LogRecovery recovery, ulong newest)
    {
        if (recovery.SegmentIndex.Current is { } last && last.Sequence > newest && last.Tail > SegmentHeader.Bytes)
            throw OutdatedIdentity(newest, last.Sequence, "holds entries");
    }

    private static WalCorruptionException OutdatedIdentity(ulong newest, ulong found, string how) => new(
        IdentityFile.Name, 0, "the newest segment of the log",
        $"it records segment {newest} as the newest, and segment {found} {how}",
        "A segment is recorded before it is used, so this is an old copy of the file, or the segment is not of this directory.",
        cause: null, "If the file was replaced by an old copy, put the current one back.");

    // Term and vote are created before the first segment, and saved only after that segment was recorded. So either one without the other
    // shows a loss.
    private static HardStateFiles OpenHardState(IStorage storage, IdentityFile identity, bool isNew, Action<string> onRepaired)
    {
        var hasCopy = FeatureTable.IsEnabled(Feature.Repair, identity.Identity.Version);
        if (isNew && identity.NewestSegment == 0 && !storage.List().Contains(HardStateFile.Name, StringComparer.Ordinal))
            return HardStateFiles.Create(storage, identity.Stamp, hasCopy);

        var hardState = HardStateFiles.Open(storage, identity.Stamp, hasCopy, onRepaired);
        if (identity.NewestSegment > 0 || hardState.Generation <= 1)
            return hardState;
        hardState.Dispose();
        throw new WalCorruptionException(
            IdentityFile.Name, 0, "the newest segment of the log", "it records no segment",
            "A term was saved, and that happens only after the first segment was recorded, so this is an old copy of the file.",
            cause: null, "If the file was replaced by an old copy, put the current one back.");
    }

    /// <summary>Records that this node may have lost entries: it enters a term in which it has acknowledged none.</summary>
    /// <remarks>Durability: on disk when this returns.</remarks>
    /// <param name="storage">The data directory.</param>
    /// <param name="identity">The identity of the directory.</param>
    /// <param name="snapshotTerm">
    /// The term of the snapshot that the node keeps. It may be later than the saved term, if a crash came between the two; no vote was
    /// given in it.
    /// </param>
    public static void RecordLoss(IStorage storage, IdentityFile identity, Term snapshotTerm)
    {
        using var hardState = OpenHardState(storage, identity, isNew: false, static _ => { });
        var state = hardState.State;
        hardState.Save((snapshotTerm > state.Term ? state.InTerm(snapshotTerm) : state).AfterLoss());
    }

    /// <summary>Creates an empty log that begins at <paramref name="first"/>, in a data directory whose segments were removed.</summary>
    /// <remarks>
    /// Durability: on disk when this returns. After a crash before, the log is reported as corrupt: its newest segment is missing, or holds
    /// nothing.
    /// </remarks>
    public static void CreateEmpty(IStorage storage, WalOptions options, IdentityFile identity, LogIndex first)
    {
        using var allocator = new SegmentAllocator(storage, options, identity);
        using var segment = allocator.Take(identity.NewestSegment + 1);
        var frame = new byte[Sectors.Bytes];
        new WalFrameHeader(
            1, WalFrameHeader.Bytes, 0, first, first, first - 1, Reset: true, Crc32C.Of([]), GroupId.First)
            .Write(frame, segment.Nonce, segment.Tail);
        segment.File.Write(segment.Tail, frame);
        segment.File.Flush();
    }

    private static void CreateFirstSegment(IStorage storage, WalOptions options, IdentityFile identity, List<ulong> sequences)
    {
        using var allocator = new SegmentAllocator(storage, options, identity);
        allocator.Take(1).Dispose();
        sequences.Add(1);
    }

    private void WriteBatch(WalBatch batch)
    {
        // Term and vote first: an entry must never be durable before its term, or a restarted node would be in an earlier term than its
        // log.
        if (batch.HardStateToSave is { } state && state != _hardState.State)
            SaveHardState(state);

        if (batch is { ResetFirst: { } first, IsResetDone: false })
        {
            MoveStart(first, reset: true);
            batch.IsResetDone = true;
        }

        var frames = batch.Frames;
        for (var i = batch.FramesWritten; i < frames.Length; i++)
        {
            ref readonly var frame = ref frames[i];
            var bytes = batch.BytesOf(in frame);
            VerifyPosition(frame.First);
            EnsureSpace(bytes.Length);

            // The new commit mark is stored with the last frame: it may cover entries of this batch.
            var last = SealAndIndex(bytes, in frame);
            var commitMark = i == frames.Length - 1 ? LogIndex.Min(LogIndex.Max(_commitMark, batch.CommitMark), last) : _commitMark;
            WriteFrame(bytes, new WalFrameHeader(
                _nextFrame, frame.Length, frame.Records, frame.First, _segmentIndex.First, commitMark, Reset: false, _recordsChecksum,
                GroupId.First));
            batch.FramesWritten = i + 1;
        }

        _commitMark = LogIndex.Min(LogIndex.Max(_commitMark, batch.CommitMark), _segmentIndex.Last);
        PreallocateNext();
    }

    private void SaveHardState(HardState state)
    {
        Invariant.That(state.Term >= _hardState.State.Term, "the term never decreases");
        _hardState.Save(state);
    }

    // Before any write: a full disk must leave the log unchanged.
    private void EnsureSpace(int bytes)
    {
        _isReservingSpace = true;

        // Existing segments may be shorter than new ones, and recovery looks for the end of a torn frame only as far as their length
        // allows.
        while (_segmentIndex.Current.FreeBytes < bytes || WalBatch.FrameBytesHardLimit(_segmentIndex.Current.Header.FileBytes) < bytes)
        {
            var full = _segmentIndex.Current;
            _segmentIndex.AddSegment(_allocator.Take(full.Sequence + 1));
            full.File.EvictFromPageCache();
        }

        _isReservingSpace = false;
    }

    private void PreallocateNext()
    {
        _isReservingSpace = true;
        _allocator.Preallocate(_segmentIndex.Current);
        _isReservingSpace = false;
    }

    // Seals the records for their offsets, and adds them to the index.
    private LogIndex SealAndIndex(Span<byte> bytes, in WalFrameLocation frame)
    {
        var segment = _segmentIndex.Current;
        var at = WalFrameHeader.Bytes;
        var recordsChecksum = ~0u;
        for (var i = 0; i < frame.Records; i++)
        {
            var record = bytes[at..];
            var index = WalEntryRecord.IdOf(record).Index;
            VerifyPosition(index);
            var size = WalEntryRecord.Seal(record, segment.Nonce, segment.Tail + at);
            recordsChecksum = Crc32C.Continue(recordsChecksum, record[..sizeof(uint)]);
            _segmentIndex.Add(index, segment.Tail + at);
            at += size;
        }

        _recordsChecksum = ~recordsChecksum;
        return _segmentIndex.Last;
    }

    private void WriteFrame(Span<byte> bytes, WalFrameHeader header)
    {
        var segment = _segmentIndex.Current;
        header.Write(bytes, segment.Nonce, segment.Tail);
        segment.File.Write(segment.Tail, bytes);
        segment.File.Flush();
        segment.Tail += bytes.Length;
        _nextFrame++;
    }

    private void MoveStartRecordingFailure(LogIndex first, bool reset)
    {
        try
        {
            MoveStart(first, reset);
        }
        catch (Exception fault) when (RecordFailure(fault))
        {
            throw;
        }
    }

    private void MoveStart(LogIndex first, bool reset)
    {
        Invariant.That(!reset || first > _commitMark, "a snapshot that replaces the log covers the committed entries");
        WriteControlFrame(first, reset);
        DeleteBefore(first);
    }

    // A control frame has no entries: it states where the log begins.
    private void WriteControlFrame(LogIndex start, bool reset)
    {
        EnsureSpace(_controlFrame.Length);
        if (reset)
            _segmentIndex.ResetTo(start);
        else
            _segmentIndex.SetFirst(start);

        Array.Clear(_controlFrame);
        _commitMark = reset ? LogIndex.Max(_commitMark, start - 1) : _commitMark;
        WriteFrame(_controlFrame, new WalFrameHeader(
            _nextFrame, WalFrameHeader.Bytes, 0, _segmentIndex.Last + 1, start, _commitMark, reset, Crc32C.Of([]), GroupId.First));
    }

    // Each deletion is durable before the next, so a crash leaves no gap between segments.
    private void DeleteBefore(LogIndex first)
    {
        for (var count = _segmentIndex.SegmentsBefore(first); count > 0; count--)
        {
            using var segment = _segmentIndex.RemoveOldest();
            segment.File.Dispose();
            _storage.Delete(segment.Name);
            _storage.FlushDirectory();
        }
    }

    private void VerifyPosition(LogIndex index)
    {
        Invariant.That(index <= _segmentIndex.Last + 1, "entries are appended without a gap");
        Invariant.That(index > _commitMark, "a committed entry is never replaced");
    }

    // An exception filter: it runs for every failure of a call that may have changed the disk, wherever that was thrown. It never catches.
    private bool RecordFailure(Exception fault)
    {
        if (!_isReservingSpace || fault is (not IOException) or DiskFlushException)
            _failure = fault;
        _isReservingSpace = false;
        return false;
    }

    private void RejectAfterFailure()
    {
        if (_failure is not null)
        {
            throw new InvalidOperationException(
                "The write-ahead log rejects every call since an earlier failure, because the content of the disk is unknown. " +
                "Stop the process and start it again.",
                _failure);
        }
    }
}
