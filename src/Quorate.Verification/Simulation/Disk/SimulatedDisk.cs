using Quorate.Node.Io;
using Quorate.Verification.Simulation.Coverage;

namespace Quorate.Verification.Simulation.Disk;

/// <summary>A disk in memory that knows what is durable: it outlives processes, loses power, fills up, fails to flush, and damages what it holds.</summary>
/// <remarks>
/// A process that ends leaves what it wrote to the system, flushed or not: the next process sees it, and a power cut may still take it away. That
/// is why these are two different ends.
/// </remarks>
internal sealed class SimulatedDisk(VirtualTime time, Counters counters) : IStorage
{
    private readonly Counters _counters = counters;
    private SortedDictionary<string, FileContent> _directory = new(StringComparer.Ordinal);
    private SortedDictionary<string, FileContent> _directoryOnDisk = new(StringComparer.Ordinal);
    private readonly HashSet<FileContent> _dirty = [];
    private bool _directoryIsDirty;
    private int _callsUntilCut = -1;
    private int _flushesUntilFailure = -1;
    private long _fullUntil;
    private Prng? _garbagePrng;
    private PendingMisdirectedWrite? _misdirectedWrite;

    /// <summary>The process, or the machine, ended in the middle of a call.</summary>
    public bool IsOff { get; private set; }

    /// <summary>It was the process alone: the system keeps what it wrote.</summary>
    public bool IsProcessKill { get; private set; }

    /// <summary>A call failed that the process could not do without.</summary>
    public bool HasFailed { get; private set; }

    /// <summary>How often something was read.</summary>
    public long Reads { get; private set; }

    /// <summary>A flush is going to fail.</summary>
    public bool FlushWillFail => _flushesUntilFailure >= 0;

    /// <summary>Everything that was written is on the disk.</summary>
    public bool IsClean => !_directoryIsDirty && _dirty.Count == 0;

    /// <summary>
    /// The power goes off, or the process is killed, at the n-th call from now that changes something, n = 0 being the next; the call itself may be
    /// done in part. If its process ends before, the next one meets it, perhaps while it reads and repairs what it finds.
    /// </summary>
    /// <returns>False when one is to come already: that one comes.</returns>
    public bool CutAfter(int calls, bool isKill = false)
    {
        if (_callsUntilCut >= 0)
            return false;
        (_callsUntilCut, IsProcessKill) = (calls, isKill);
        return true;
    }

    /// <summary>The n-th flush from now fails, n = 0 being the next; only that one.</summary>
    /// <returns>False when one is to fail already: that one does.</returns>
    public bool FailFlush(int after = 0)
    {
        if (FlushWillFail)
            return false;
        _flushesUntilFailure = after;
        return true;
    }

    /// <summary>There is no room for another file until then. Of several such times the one that ends last counts.</summary>
    public void FillUntil(long moment) => _fullUntil = Math.Max(_fullUntil, moment);

    /// <summary>No call is going to fail, and there is room.</summary>
    public void ClearFaults()
    {
        _callsUntilCut = -1;
        _flushesUntilFailure = -1;
        _fullUntil = 0;
    }

    /// <summary>One bit of what is on the disk flips. False when no place was found.</summary>
    public bool FlipBit(Prng prng)
    {
        if (DrawSector(prng) is not var (content, sector))
            return false;
        int at;
        do
            at = (sector * FileContent.SectorBytes) + prng.Next(0, FileContent.SectorBytes);
        while (content.Bytes[at] == 0);
        content.OverwriteOnDisk(at, [(byte)(content.Bytes[at] ^ (1 << prng.Next(0, 8)))]);
        return true;
    }

    /// <summary>A sector can no longer be read, until it is written again. False when no place was found.</summary>
    public bool MakeSectorUnreadable(Prng prng)
    {
        if (DrawSector(prng) is not var (content, sector))
            return false;
        content.MarkUnreadable(sector);
        return true;
    }

    /// <summary>The next frame that is written lands in another place; nobody sees it before something was written and flushed behind it.</summary>
    public void MisdirectWrite(Prng prng) => _misdirectedWrite = new PendingMisdirectedWrite(prng);

    /// <summary>Of the sectors that are being written at the next power cut, some will hold neither what they held nor what they were to hold.</summary>
    public void WriteGarbageAtPowerCut(Prng prng) => _garbagePrng = prng;

    public IReadOnlyList<string> List() => [.. _directory.Keys];

    public IStorageFile Open(string name) =>
        _directory.TryGetValue(name, out var content) ? new FileHandle(this, name, content) : throw new FileNotFoundException($"no file {name}");

    public IStorageFile Create(string name, long length)
    {
        BeginCall();
        if (_directory.ContainsKey(name))
            throw new IOException($"{name} is there already");
        if (time.Now < _fullUntil)
            throw RecordFailure(new IOException("no space left on device"), "disk full");
        _dirty.Add(_directory[name] = new FileContent(new byte[length]));
        _directoryIsDirty = true;
        return Open(name);
    }

    public void Rename(string from, string to)
    {
        BeginCall();
        if (_directory.TryGetValue(to, out var replaced))
            _dirty.Remove(replaced);
        _directory[to] = _directory[from];
        _directory.Remove(from);
        _directoryIsDirty = true;
    }

    public void Delete(string name)
    {
        BeginCall();
        if (!_directory.Remove(name, out var content))
            throw new FileNotFoundException($"no file {name}");
        _dirty.Remove(content);
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

    /// <summary>The process ended and another begins: what was written is seen, and no more durable than before.</summary>
    public void OnProcessStart()
    {
        IsOff = false;
        HasFailed = false;
        _misdirectedWrite = null;
    }

    /// <summary>What failed since the process began, it could do without.</summary>
    public void ForgiveFailure() => HasFailed = false;

    /// <summary>It is replaced by an empty one.</summary>
    public void Wipe()
    {
        _directory.Clear();
        _directoryOnDisk.Clear();
        _dirty.Clear();
        _directoryIsDirty = false;
        OnProcessStart();
    }

    /// <summary>The power was off: of what was not flushed, this is left.</summary>
    public void PowerCut(PowerLossOutcome outcome, Prng prng)
    {
        bool Kept() => outcome == PowerLossOutcome.Kept || (outcome == PowerLossOutcome.Mixed && prng.Chance(500));

        (_directory, _) = AfterPowerCut(Kept, _garbagePrng);
        _garbagePrng = null;
        _directoryOnDisk = new(_directory, StringComparer.Ordinal);
        _directoryIsDirty = false;
        _dirty.Clear();
        OnProcessStart();
    }

    /// <summary>Another disk that holds what this one would after a power cut that takes everything that was not flushed.</summary>
    public SimulatedDisk DurableCopy()
    {
        var copy = new SimulatedDisk(time, new Counters());
        (copy._directory, copy._directoryOnDisk) = AfterPowerCut(static () => false);
        return copy;
    }

    private (SortedDictionary<string, FileContent> Names, SortedDictionary<string, FileContent> OnDisk) AfterPowerCut(Func<bool> kept, Prng? garbagePrng = null)
    {
        var directory = new SortedDictionary<string, FileContent>(StringComparer.Ordinal);
        foreach (var name in _directory.Keys.Union(_directoryOnDisk.Keys, StringComparer.Ordinal).Order(StringComparer.Ordinal))
        {
            // Each name is as it was or as it is.
            if ((_directoryIsDirty && !kept() ? _directoryOnDisk : _directory).TryGetValue(name, out var content))
                directory[name] = content.AfterPowerCut(kept, garbagePrng);
        }

        return (directory, new(directory, StringComparer.Ordinal));
    }

    private void BeginCall()
    {
        if (_callsUntilCut >= 0 && _callsUntilCut-- == 0)
            IsOff = true;
        if (IsOff)
            throw new PowerCutException();
    }

    // Something stands there, and no write to it is on its way. Each file is as likely as another: the short one holds term and vote.
    private (FileContent Content, int Sector)? DrawSector(Prng prng)
    {
        if (_directory.Count == 0)
            return null;
        var content = _directory.Values.ElementAt(prng.Next(0, _directory.Count));
        for (var attempt = 0; attempt < 8; attempt++)
        {
            var sector = prng.Next(0, Math.Max(1, content.Bytes.Length / FileContent.SectorBytes));
            var at = sector * FileContent.SectorBytes;
            if (content.IsCleanAt(sector) && content.IsReadable(at, 1) && at + FileContent.SectorBytes <= content.Bytes.Length &&
                content.Bytes.AsSpan(at, FileContent.SectorBytes).ContainsAnyExcept((byte)0))
                return (content, sector);
        }

        return null;
    }

    private bool NextFlushFails() => FlushWillFail && _flushesUntilFailure-- == 0;

    private DiskFlushException FlushFailed() => RecordFailure(new DiskFlushException("input/output error"), "flush failed");

    private T RecordFailure<T>(T failure, string counter)
        where T : IOException
    {
        HasFailed = true;
        _counters.Increment(counter);
        return failure;
    }

    private sealed class FileHandle(SimulatedDisk disk, string name, FileContent content) : IStorageFile
    {
        public string Name => name;

        public long Length => content.Bytes.Length;

        public int Read(long offset, Span<byte> target)
        {
            disk.Reads++;
            var length = (int)Math.Clamp(content.Bytes.Length - offset, 0, target.Length);
            if (!content.IsReadable(offset, length))
                throw disk.RecordFailure(new IOException("input/output error"), Counters.NameOf(CoverageMark.DiskReadFailed));
            content.Bytes.AsSpan((int)Math.Min(offset, content.Bytes.Length), length).CopyTo(target);
            return length;
        }

        public void Write(long offset, ReadOnlySpan<byte> source)
        {
            disk._dirty.Add(content);
            disk._misdirectedWrite?.OnWrite(name, content, offset, source);
            content.PrepareWrite(offset, source.Length);
            if (offset + source.Length > content.Bytes.Length)
                content.SetLength(offset + source.Length);

            // The cut may fall into the middle of a write: half of its sectors are there then.
            source[..(source.Length / 2 / FileContent.SectorBytes * FileContent.SectorBytes)].CopyTo(content.Bytes.AsSpan((int)offset));
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
