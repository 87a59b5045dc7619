using Quorate.Node.Divergence;
using Quorate.Node.Repair;
using Quorate.Node.Storage;
using Quorate.Node.Wal;
using Quorate.Verification.Simulation.Coverage;

namespace Quorate.Verification.Simulation.Disk;

/// <summary>
/// A disk in memory that tracks what is durable. It outlives processes, and injects power cuts, a full disk, flush failures and corruption.
/// </summary>
/// <remarks>
/// What a process wrote stays with the operating system when the process ends, flushed or not: the next process reads it, and a power cut
/// may still lose it. That is why the end of a process and a power cut are simulated separately.
/// </remarks>
internal sealed class SimulatedDisk(VirtualTime time, RunCounters counters) : IStorage
{
    private const string DiskFull = "disk full";

    private readonly RunCounters _counters = counters;
    private SortedDictionary<string, SimulatedFileContent> _directory = new(StringComparer.Ordinal);
    private SortedDictionary<string, SimulatedFileContent> _directoryOnDisk = new(StringComparer.Ordinal);
    private readonly HashSet<SimulatedFileContent> _dirty = [];
    private bool _directoryIsDirty;
    private int _callsUntilCut = -1;
    private int _flushesUntilFailure = -1;
    private long _fullUntil;

    /// <summary>While the disk is full: the bytes that the process has freed since, and that it may use again.</summary>
    private long _freedBytes;
    private Prng? _garbagePrng;
    private PendingMisdirectedWrite? _misdirectedWrite;

    /// <summary>True after the process was killed, or the power was cut, in the middle of a call.</summary>
    public bool IsOff { get; private set; }

    /// <summary>True if only the process was killed: the operating system keeps what it wrote.</summary>
    public bool IsProcessKill { get; private set; }

    /// <summary>True after a call failed, unless the process tolerates the failure.</summary>
    public bool HasFailed { get; private set; }

    /// <summary>True after a flush failed.</summary>
    public bool HasFailedFlush { get; private set; }

    /// <summary>The number of read calls.</summary>
    public long Reads { get; private set; }

    /// <summary>True if one of the next flushes is going to fail.</summary>
    public bool FlushWillFail => _flushesUntilFailure >= 0;

    /// <summary>True if everything that was written is on the disk.</summary>
    public bool IsClean => !_directoryIsDirty && _dirty.Count == 0;

    /// <summary>
    /// True if everything that was written is on the disk, apart from snapshots that are being written, which count when they have their
    /// name, from the reserve, whose content has no meaning, and from the marker of a quarantine: if its flush fails, no process writes it
    /// again.
    /// </summary>
    public bool IsLogClean => IsClean || _dirty.All(content => _directory.All(file => file.Value != content || !IsOfLog(file.Key)));

    /// <summary>
    /// Schedules a power cut or a process kill at the n-th call from now that changes something, n = 0 being the next; that call itself may
    /// be carried out in part. If the process ends before, the cut hits the next one, possibly during its recovery.
    /// </summary>
    /// <returns>False if a cut is scheduled already: that one stays.</returns>
    public bool CutAfter(int calls, bool isKill = false)
    {
        if (_callsUntilCut >= 0)
            return false;
        (_callsUntilCut, IsProcessKill) = (calls, isKill);
        return true;
    }

    /// <summary>Schedules the failure of the n-th flush from now, n = 0 being the next, and of no other.</summary>
    /// <returns>False if a failure is scheduled already: that one stays.</returns>
    public bool FailFlush(int after = 0)
    {
        if (FlushWillFail)
            return false;
        _flushesUntilFailure = after;
        return true;
    }

    /// <summary>
    /// Makes the disk full until a time: only what the process deletes makes space. Of several such periods the one that ends last applies.
    /// </summary>
    public void FillUntil(long moment)
    {
        if (!IsFull)
            _freedBytes = 0;
        _fullUntil = Math.Max(_fullUntil, moment);
    }

    /// <summary>True if the last call that failed did so because the disk is full, and none failed for another reason.</summary>
    public bool HasFailedOnlyForSpace { get; private set; }

    private bool IsFull => time.Now < _fullUntil;

    /// <summary>The time until which the disk is full.</summary>
    public long FullUntil => _fullUntil;

    /// <summary>Cancels the scheduled cut and flush failure, and frees the space of a full disk.</summary>
    public void ClearFaults()
    {
        _callsUntilCut = -1;
        _flushesUntilFailure = -1;
        _fullUntil = 0;
    }

    /// <summary>Flips one bit on the disk. Returns false if no suitable sector was found.</summary>
    public bool FlipBit(Prng prng)
    {
        if (DrawSector(prng) is not var (content, sector))
            return false;
        int at;
        do
            at = (sector * SimulatedFileContent.SectorBytes) + prng.Next(0, SimulatedFileContent.SectorBytes);
        while (content.Bytes[at] == 0);
        content.OverwriteOnDisk(at, [(byte)(content.Bytes[at] ^ (1 << prng.Next(0, 8)))]);
        return true;
    }

    /// <summary>Makes a sector unreadable until it is rewritten. Returns false if no suitable sector was found.</summary>
    public bool MakeSectorUnreadable(Prng prng)
    {
        if (DrawSector(prng) is not var (content, sector))
            return false;
        content.MarkUnreadable(sector);
        return true;
    }

    /// <summary>
    /// Misdirects the next frame that is written. The fault takes effect once something was written and flushed after it.
    /// </summary>
    public void MisdirectWrite(Prng prng) => _misdirectedWrite = new PendingMisdirectedWrite(prng);

    /// <summary>Makes the next power cut fill some of the dirty sectors with garbage: neither their old nor their new content.</summary>
    public void WriteGarbageAtPowerLoss(Prng prng) => _garbagePrng = prng;

    private static bool IsOfLog(string name) =>
        name != ReserveFile.Name && name != QuarantineFile.Name && name != AtomicFile.TemporaryName(QuarantineFile.Name)
        && !name.StartsWith("snapshot-", StringComparison.Ordinal)
        && !name.StartsWith(SetAsideFiles.Prefix, StringComparison.Ordinal);

    public IReadOnlyList<string> List() => [.. _directory.Keys];

    public IStorageFile Open(string name) =>
        _directory.TryGetValue(name, out var content)
            ? new FileHandle(this, name, content)
            : throw new FileNotFoundException($"no file {name}");

    public IStorageFile Create(string name, long length)
    {
        BeginCall();
        if (_directory.ContainsKey(name))
            throw new IOException($"the file {name} exists already");

        // The name of a file takes space too.
        TakeSpace(Math.Max(1, length));
        _dirty.Add(_directory[name] = new SimulatedFileContent(new byte[length]));
        _directoryIsDirty = true;
        return Open(name);
    }

    public void Rename(string from, string to)
    {
        BeginCall();
        if (!_directory.Remove(from, out var content))
            throw new FileNotFoundException($"no file {from}");
        if (_directory.TryGetValue(to, out var replaced))
            Free(replaced);
        _directory[to] = content;
        _directoryIsDirty = true;
    }

    public void Delete(string name)
    {
        BeginCall();
        if (!_directory.Remove(name, out var content))
            throw new FileNotFoundException($"no file {name}");
        Free(content);
        _directoryIsDirty = true;
    }

    public void FlushDirectory()
    {
        BeginCall();
        if (NextFlushFails())
            throw FlushFailed();
        _directoryOnDisk = new(_directory, StringComparer.Ordinal);
        _directoryIsDirty = false;
    }

    /// <summary>
    /// Resets the state of the ended process for the next one, which reads what was written; that is no more durable than before.
    /// </summary>
    public void OnProcessStart()
    {
        IsOff = false;
        HasFailed = false;
        _misdirectedWrite = null;
    }

    /// <summary>Clears <see cref="HasFailed"/>, because the process tolerates the calls that have failed.</summary>
    public void ForgiveFailure() => HasFailed = HasFailedFlush = HasFailedOnlyForSpace = false;

    /// <summary>Removes all files, as if the disk were replaced by an empty one.</summary>
    public void Wipe()
    {
        _directory.Clear();
        _directoryOnDisk.Clear();
        _dirty.Clear();
        _directoryIsDirty = false;
        OnProcessStart();
    }

    /// <summary>
    /// Whether a member has used the disk and everything is flushed: the identity file, in both of its copies, records a segment.
    /// </summary>
    public bool IsInUse()
    {
        if (!IsClean || !_directory.TryGetValue(IdentityFile.Name, out var first)
            || !_directory.TryGetValue(IdentityFile.CopyName, out var second))
            return false;
        return first.Bytes.AsSpan().SequenceEqual(second.Bytes) && IdentityFormat.Decode(first.Bytes).NewestSegment > 0;
    }

    /// <summary>Removes a file, durably and without the process that uses the disk.</summary>
    public void Remove(string name)
    {
        if (!_directory.Remove(name, out var content))
            throw new InvalidOperationException($"no file {name}");
        _directoryOnDisk.Remove(name);
        _dirty.Remove(content);
    }

    /// <summary>Shortens a file, durably and without the process that uses the disk.</summary>
    public void Truncate(string name, int length)
    {
        var bytes = _directory[name].Bytes[..length];
        Remove(name);
        _directory[name] = _directoryOnDisk[name] = SimulatedFileContent.Durable(bytes);
    }

    /// <summary>The length of a file, bytes.</summary>
    public int LengthOf(string name) => _directory[name].Bytes.Length;

    /// <summary>Replaces a file by that of another disk, durably and without the process that uses the disk.</summary>
    public void CopyFrom(SimulatedDisk other, string name)
    {
        Remove(name);
        _directory[name] = _directoryOnDisk[name] = SimulatedFileContent.Durable([.. other._directory[name].Bytes]);
    }

    /// <summary>Applies a power cut to everything that was not flushed.</summary>
    public void LosePower(PowerLossOutcome outcome, Prng prng)
    {
        bool Kept() => outcome == PowerLossOutcome.Kept || (outcome == PowerLossOutcome.Mixed && prng.Chance(500));

        (_directory, _) = AfterPowerLoss(Kept, _garbagePrng);
        _garbagePrng = null;
        _directoryOnDisk = new(_directory, StringComparer.Ordinal);
        _directoryIsDirty = false;
        _dirty.Clear();
        OnProcessStart();
    }

    /// <summary>Returns a copy of the disk after a power cut that loses everything that was not flushed.</summary>
    public SimulatedDisk DurableCopy()
    {
        var copy = new SimulatedDisk(time, new RunCounters());
        (copy._directory, copy._directoryOnDisk) = AfterPowerLoss(static () => false);
        return copy;
    }

    private (SortedDictionary<string, SimulatedFileContent> Names, SortedDictionary<string, SimulatedFileContent> OnDisk) AfterPowerLoss(
        Func<bool> kept, Prng? garbagePrng = null)
    {
        var directory = new SortedDictionary<string, SimulatedFileContent>(StringComparer.Ordinal);
        foreach (var name in _directory.Keys.Union(_directoryOnDisk.Keys, StringComparer.Ordinal).Order(StringComparer.Ordinal))
        {
            // Each file name has either its old or its new state.
            if ((_directoryIsDirty && !kept() ? _directoryOnDisk : _directory).TryGetValue(name, out var content))
                directory[name] = content.AfterPowerLoss(kept, garbagePrng);
        }

        return (directory, new(directory, StringComparer.Ordinal));
    }

    private void BeginCall()
    {
        if (_callsUntilCut >= 0 && _callsUntilCut-- == 0)
            IsOff = true;
        if (IsOff)
            throw new SimulatedCrashException();
    }

    // Draws a sector that is clean, readable and not all zero. Every file has the same probability, because the short one holds term and
    // vote.
    private (SimulatedFileContent Content, int Sector)? DrawSector(Prng prng)
    {
        if (_directory.Count == 0)
            return null;
        var content = _directory.Values.ElementAt(prng.Next(0, _directory.Count));
        for (var attempt = 0; attempt < 8; attempt++)
        {
            var sector = prng.Next(0, Math.Max(1, content.Bytes.Length / SimulatedFileContent.SectorBytes));
            var at = sector * SimulatedFileContent.SectorBytes;
            if (content.IsCleanAt(sector) && content.IsReadable(at, 1) && at + SimulatedFileContent.SectorBytes <= content.Bytes.Length &&
                content.Bytes.AsSpan(at, SimulatedFileContent.SectorBytes).ContainsAnyExcept((byte)0))
                return (content, sector);
        }

        return null;
    }

    private void TakeSpace(long bytes)
    {
        if (!IsFull)
            return;
        if (bytes > _freedBytes)
            throw RecordFailure(new IOException("no space left on device"), DiskFull);
        _freedBytes -= bytes;
    }

    private void Free(SimulatedFileContent content)
    {
        _dirty.Remove(content);
        _freedBytes += content.Bytes.Length;
    }

    private bool NextFlushFails() => FlushWillFail && _flushesUntilFailure-- == 0;

    private DiskFlushException FlushFailed() => RecordFailure(new DiskFlushException("input/output error"), "flush failed");

    private T RecordFailure<T>(T failure, string counter)
        where T : IOException
    {
        HasFailedOnlyForSpace = counter == DiskFull && (HasFailedOnlyForSpace || !HasFailed);
        HasFailed = true;
        HasFailedFlush |= failure is DiskFlushException;
        _counters.Increment(counter);
        return failure;
    }

    private sealed class FileHandle(SimulatedDisk disk, string name, SimulatedFileContent content) : IStorageFile
    {
        public string Name => name;

        public long Length => content.Bytes.Length;

        public int Read(long offset, Span<byte> target)
        {
            disk.Reads++;
            var length = (int)Math.Clamp(content.Bytes.Length - offset, 0, target.Length);
            if (!content.IsReadable(offset, length))
                throw disk.RecordFailure(new IOException("input/output error"), RunCounters.NameOf(CoverageMark.DiskReadFailed));
            content.Bytes.AsSpan((int)Math.Min(offset, content.Bytes.Length), length).CopyTo(target);
            return length;
        }

        public void Write(long offset, ReadOnlySpan<byte> source)
        {
            disk.TakeSpace(Math.Max(0, offset + source.Length - content.Bytes.Length));
            disk._dirty.Add(content);
            disk._misdirectedWrite?.OnWrite(name, content, offset, source);
            content.PrepareWrite(offset, source.Length);
            if (offset + source.Length > content.Bytes.Length)
                content.SetLength(offset + source.Length);

            // A cut may happen in the middle of a write: half of the write's sectors are written by then.
            source[..(source.Length / 2 / SimulatedFileContent.SectorBytes * SimulatedFileContent.SectorBytes)]
                .CopyTo(content.Bytes.AsSpan((int)offset));
            disk.BeginCall();
            source.CopyTo(content.Bytes.AsSpan((int)offset));
        }

        public void SetLength(long length)
        {
            disk.BeginCall();
            disk._dirty.Add(content);
            content.SetLength(length);
        }

        public void Flush()
        {
            disk.BeginCall();
            if (disk.NextFlushFails())
            {
                content.FailFlush();
                throw disk.FlushFailed();
            }

            content.Flush();
            if (content.IsClean)
                disk._dirty.Remove(content);
            if (disk._misdirectedWrite is { IsFollowedByWrite: true } misdirected)
            {
                disk._misdirectedWrite = null;
                misdirected.Apply(disk._directory);
                disk._counters.Increment(CoverageMark.WriteMisdirected);
            }
        }

        public void Dispose()
        {
        }
    }
}
