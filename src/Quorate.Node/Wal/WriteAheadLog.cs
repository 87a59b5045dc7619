using Quorate.Node.Io;
using Quorate.Raft;

namespace Quorate.Node.Wal;

/// <summary>The log on the disk: what <see cref="Commit"/> returned for survives a power cut; what was damaged since is never given out.</summary>
/// <remarks>
/// Threading: one thread, the disk thread. Errors: after a failed write or flush nobody knows what is on the disk, so the log refuses everything
/// from then on; the process must end and start again from what the disk really has. A disk that is full shows before anything of a frame is
/// written, and leaves the log as it was. Formats and rules: docs/formats/wal.md.
/// </remarks>
internal sealed class WriteAheadLog : IDisposable
{
    private readonly IDisk _disk;
    private readonly HardStateFile _hardState;
    private readonly LogMap _map;
    private readonly LogReader _reader;
    private readonly SegmentMaker _maker;
    private readonly byte[] _markFrame = new byte[Sectors.Bytes];
    private ulong _nextFrame;
    private LogIndex _commit;
    private uint _binding;
    private Exception? _failure;

    private WriteAheadLog(IDisk disk, WalOptions options, HardStateFile hardState, LogRecovery recovery)
    {
        _disk = disk;
        _hardState = hardState;
        _map = recovery.Map;
        _reader = new LogReader(recovery.Map);
        _maker = new SegmentMaker(disk, options);
        _nextFrame = recovery.NextFrame;
        _commit = recovery.Commit;
        foreach (var unused in recovery.Unused)
            _maker.Keep(unused);
    }

    /// <summary>The first entry that can be read.</summary>
    public LogIndex FirstIndex => _map.First;

    /// <summary>The last entry that is durable.</summary>
    public LogIndex LastIndex => _map.Last;

    /// <summary>Term and vote that are durable.</summary>
    public HardState HardState => _hardState.State;

    /// <summary>Opens the log in a folder, or makes it there.</summary>
    /// <exception cref="WalDamageException">What is there was changed since it was written.</exception>
    public static (WriteAheadLog Log, RecoveredLog Recovered) Open(IDisk disk, WalOptions options)
    {
        options.Validate();
        var sequences = Sequences(disk);
        var hardState = OpenHardState(disk, isNew: sequences.Count == 0);
        WriteAheadLog? log = null;
        try
        {
            SegmentMaker.RemoveUnfinished(disk);
            if (sequences.Count == 0)
                MakeFirstSegment(disk, options, sequences);
            var recovery = new LogRecovery(disk);
            recovery.Run(sequences);

            // Names that the process before made, changed or removed may be no more durable than the last frame was.
            disk.FlushFolder();
            log = new WriteAheadLog(disk, options, hardState, recovery);
            var recovered = new RecoveredLog(hardState.State, log.FirstIndex, log.LastIndex, recovery.Commit, [.. recovery.Terms], recovery.CutTail);
            if (recovered.LastTerm > hardState.State.Term)
                throw new WalDamageException(HardStateFile.Name, 0, "term and vote", $"the saved term is {hardState.State.Term}, the last entry's is {recovered.LastTerm}",
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
    public void Commit(WalBatch batch)
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
            Demand(frame.First <= _map.Last + 1 && frame.First > _commit, frame.First);
            MakeRoom(bytes.Length);

            // The new mark goes with the last frame: it may cover entries of this very batch.
            var last = Place(bytes, in frame);
            var mark = i == frames.Length - 1 ? LogIndex.Min(LogIndex.Max(_commit, batch.CommitMark), last) : _commit;
            WriteFrame(bytes, new FrameHeader(_nextFrame, frame.Length, frame.Records, frame.First, _map.First, mark, Restart: false, _binding));
            batch.FramesWritten = i + 1;
        }

        _commit = LogIndex.Min(LogIndex.Max(_commit, batch.CommitMark), _map.Last);
        PrepareNext();
    }

    /// <summary>Reads entries <paramref name="from"/> to <paramref name="to"/>, both included, as far as <paramref name="bytesMax"/> allows; at least one.</summary>
    /// <returns>How many were added to <paramref name="target"/>.</returns>
    /// <exception cref="WalDamageException">An entry is not what was written. Those before it were added.</exception>
    public int Read(LogIndex from, LogIndex to, long bytesMax, List<LogEntry> target)
    {
        ThrowIfFailed();
        ArgumentOutOfRangeException.ThrowIfLessThan(from, _map.First);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(to, _map.Last);
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
        first = LogIndex.Min(first, _map.Last + 1);
        var count = _map.SegmentsBefore(first);
        if (count == 0 || first <= _map.First)
            return;

        WriteMark(LogIndex.Max(_map.First, _map.FirstAfter(count)), restart: false);
        DeleteBefore(_map.First);
    }

    /// <summary>A snapshot replaces the log: no entry counts, the next one is <paramref name="first"/>.</summary>
    /// <remarks>Durability: on the disk when this returns. The snapshot must be durable before.</remarks>
    public void Restart(LogIndex first)
    {
        ThrowIfFailed();
        Demand(first > _commit, first);
        WriteMark(first, restart: true);
        DeleteBefore(first);
    }

    /// <summary>Closes the files. It writes and flushes nothing: what was not committed is not kept.</summary>
    public void Dispose()
    {
        _maker.Dispose();
        foreach (var segment in _map.Segments)
            segment.Dispose();
        _hardState.Dispose();
    }

    private static List<ulong> Sequences(IDisk disk)
    {
        var sequences = new List<ulong>();
        foreach (var name in disk.List())
        {
            if (Segment.TryParseName(name, out var sequence))
                sequences.Add(sequence);
        }

        sequences.Sort();
        return sequences;
    }

    // The hard state is made before the first segment, and saved only after it. So each without the other tells something.
    private static HardStateFile OpenHardState(IDisk disk, bool isNew)
    {
        if (!disk.List().Contains(HardStateFile.Name, StringComparer.Ordinal))
        {
            return isNew ? HardStateFile.Create(disk) : throw new WalDamageException(HardStateFile.Name, 0, "term and vote", "the file is missing",
                "It is made before the first segment of the log, and a node that forgot a vote could vote twice in one term.");
        }

        var hardState = HardStateFile.Open(disk);
        if (!isNew || hardState.Generation <= 1)
            return hardState;
        hardState.Dispose();
        throw new WalDamageException(Segment.NameOf(1), 0, "all entries", "no segment of the log is there", "A term was saved, and that happens only after the first segment was made.");
    }

    private static void MakeFirstSegment(IDisk disk, WalOptions options, List<ulong> sequences)
    {
        using var maker = new SegmentMaker(disk, options);
        maker.Take(1).Dispose();
        sequences.Add(1);
    }

    private void SaveHardState(HardState state)
    {
        Demand(state.Term >= _hardState.State.Term, LogIndex.Zero);
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
    private void MakeRoom(int bytes)
    {
        try
        {
            // Segments that are there may be shorter than those we make now, and recovery looks for the end of a torn frame as far as their length allows one.
            while (_map.Current.Room < bytes || WalBatch.FrameBytesHard(_map.Current.Header.FileBytes) < bytes)
            {
                var full = _map.Current;
                _map.AddSegment(_maker.Take(full.Sequence + 1));
                full.File.DropFromMemory();
            }
        }
        catch (DiskFlushException e)
        {
            _failure = e;
            throw;
        }
    }

    private void PrepareNext()
    {
        try
        {
            _maker.Prepare(_map.Current);
        }
        catch (DiskFlushException e)
        {
            _failure = e;
            throw;
        }
    }

    // Ties the records to the place they will have, and enters them into the map.
    private LogIndex Place(Span<byte> bytes, in WalFrame frame)
    {
        var segment = _map.Current;
        var at = FrameHeader.Bytes;
        var binding = ~0u;
        for (var i = 0; i < frame.Records; i++)
        {
            var record = bytes[at..];
            var index = EntryRecord.IdOf(record).Index;
            Demand(index <= _map.Last + 1 && index > _commit, index);
            var size = EntryRecord.Seal(record, segment.Nonce, segment.Tail + at);
            binding = Crc32C.Continue(binding, record[..sizeof(uint)]);
            _map.Add(index, segment.Tail + at);
            at += size;
        }

        _binding = ~binding;
        return _map.Last;
    }

    private void WriteFrame(Span<byte> bytes, FrameHeader header)
    {
        var segment = _map.Current;
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
    private void WriteMark(LogIndex start, bool restart)
    {
        MakeRoom(_markFrame.Length);
        if (restart)
            _map.Restart(start);
        else
            _map.BeginAt(start);

        Array.Clear(_markFrame);
        _commit = restart ? LogIndex.Max(_commit, start - 1) : _commit;
        WriteFrame(_markFrame, new FrameHeader(_nextFrame, FrameHeader.Bytes, 0, _map.Last + 1, start, _commit, restart, Crc32C.Of([])));
    }

    // Each deletion is durable before the next: what a crash leaves has no hole.
    private void DeleteBefore(LogIndex first)
    {
        for (var count = _map.SegmentsBefore(first); count > 0; count--)
        {
            using var segment = _map.RemoveOldest();
            segment.File.Dispose();
            try
            {
                _disk.Delete(segment.Name);
                _disk.FlushFolder();
            }
            catch (Exception e)
            {
                _failure = e;
                throw;
            }
        }
    }

    private void Demand(bool holds, LogIndex index)
    {
        if (holds)
            return;
        var violation = new InvariantViolationException(
            $"The log was asked for what must never be: entry {index} while it holds {_map.First} to {_map.Last}, committed to {_commit}, {_hardState.State}.");
        _failure = violation;
        throw violation;
    }

    private void ThrowIfFailed()
    {
        if (_failure is not null)
            throw new InvalidOperationException("The log refuses everything since an earlier failure, after which nobody knows what is on the disk. End the process and start it again.", _failure);
    }
}
