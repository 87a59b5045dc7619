using System.Runtime.InteropServices;

namespace Quorate.Verification.Simulation.Disk;

/// <summary>The bytes of a file as processes read them, and which of them are on the disk.</summary>
/// <remarks>The unit is the sector of 512 bytes, which is written atomically.</remarks>
internal sealed class SimulatedFileContent(byte[] content)
{
    public const int SectorBytes = 512;

    /// <summary>
    /// The content on the disk of each sector that changed since the last flush; null for a sector beyond the end of the file there.
    /// </summary>
    private readonly Dictionary<int, ReadOnlyMemory<byte>?> _onDisk = [];

    /// <summary>
    /// Sectors whose flush failed: the operating system no longer marks them dirty, and the next flush skips them (fsyncgate).
    /// </summary>
    private readonly HashSet<int> _droppedWrites = [];

    /// <summary>Sectors that cannot be read until they are rewritten; null while there are none.</summary>
    private HashSet<int>? _unreadable;

    private int _lengthOnDisk;

    /// <summary>True if a copy shares the byte array: the array is cloned before the first change (copy on write).</summary>
    private bool _isShared;

    public byte[] Bytes { get; private set; } = content;

    public bool IsClean => _onDisk.Count == 0 && _lengthOnDisk == Bytes.Length;

    /// <summary>Creates a file whose bytes are all on the disk.</summary>
    public static SimulatedFileContent Durable(byte[] bytes) => new(bytes) { _lengthOnDisk = bytes.Length };

    /// <summary>Keeps the content on the disk of the sectors that a write is about to change.</summary>
    public void PrepareWrite(long offset, int length)
    {
        EnsureUnshared();
        var (first, end) = ((int)(offset / SectorBytes), (int)((offset + length + SectorBytes - 1) / SectorBytes));
        ReadOnlyMemory<byte> before = default;
        for (var sector = first; sector < end; sector++)
        {
            _droppedWrites.Remove(sector);
            _unreadable?.Remove(sector);
            ref var onDisk = ref CollectionsMarshal.GetValueRefOrAddDefault(_onDisk, sector, out var wasDirty);
            if (wasDirty || sector * SectorBytes >= Math.Min(_lengthOnDisk, Bytes.Length))
                continue;

            // One copy serves all sectors of this write.
            if (before.IsEmpty)
                before = Bytes.AsSpan()[(first * SectorBytes)..Math.Min(end * SectorBytes, Bytes.Length)].ToArray();
            var sectors = before[((sector - first) * SectorBytes)..];
            onDisk = sectors[..Math.Min(SectorBytes, sectors.Length)];
        }
    }

    public void SetLength(long length)
    {
        var bytes = Bytes;
        if (length < bytes.Length)
            PrepareWrite(length, bytes.Length - (int)length);
        Array.Resize(ref bytes, (int)length);
        Bytes = bytes;
        _isShared = false;
    }

    public void Flush()
    {
        _lengthOnDisk = Bytes.Length;
        if (_droppedWrites.Count == 0)
        {
            _onDisk.Clear();
            return;
        }

        foreach (var sector in _onDisk.Keys.Where(s => !_droppedWrites.Contains(s)).ToArray())
            _onDisk.Remove(sector);
    }

    /// <summary>Fails a flush: processes still read the dirty sectors, but these do not reach the disk until they are rewritten.</summary>
    public void FailFlush() => _droppedWrites.UnionWith(_onDisk.Keys);

    /// <summary>Returns whether the disk holds the sector as processes read it.</summary>
    public bool IsCleanAt(int sector) => !_onDisk.ContainsKey(sector);

    /// <summary>Returns whether all of these bytes can be read.</summary>
    public bool IsReadable(long offset, int length)
    {
        if (_unreadable is not null)
        {
            for (var sector = (int)(offset / SectorBytes); sector * (long)SectorBytes < offset + length; sector++)
            {
                if (_unreadable.Contains(sector))
                    return false;
            }
        }

        return true;
    }

    /// <summary>Makes a clean sector unreadable.</summary>
    public void MarkUnreadable(int sector) => (_unreadable ??= []).Add(sector);

    /// <summary>Overwrites bytes on the disk. Dirty sectors are skipped, because a later flush writes them anyway.</summary>
    public void OverwriteOnDisk(long offset, ReadOnlySpan<byte> source)
    {
        EnsureUnshared();
        for (; source.Length > 0; source = source[Math.Min(SectorBytes, source.Length)..], offset += SectorBytes)
        {
            if (IsCleanAt((int)(offset / SectorBytes)))
                source[..Math.Min(SectorBytes, source.Length)].CopyTo(Bytes.AsSpan((int)offset));
        }
    }

    /// <summary>
    /// Returns the file after a power cut: each dirty sector is kept, lost, or filled with garbage drawn from
    /// <paramref name="garbagePrng"/>.
    /// </summary>
    public SimulatedFileContent AfterPowerLoss(Func<bool> kept, Prng? garbagePrng = null)
    {
        if (IsClean)
        {
            _isShared = true;
            return new SimulatedFileContent(Bytes) { _lengthOnDisk = _lengthOnDisk, _isShared = true, _unreadable = UnreadableCopy() };
        }

        var bytes = (byte[])Bytes.Clone();
        if (_lengthOnDisk != bytes.Length && !kept())
            Array.Resize(ref bytes, _lengthOnDisk);
        foreach (var (sector, onDisk) in _onDisk)
        {
            var at = sector * SectorBytes;
            if (at >= bytes.Length || kept())
                continue;
            var target = bytes.AsSpan(at, Math.Min(SectorBytes, bytes.Length - at));
            if (garbagePrng is not null && garbagePrng.Chance(500))
            {
                FillWithGarbage(target, garbagePrng);
                continue;
            }

            target.Clear();
            if (onDisk is { Span: var held })
                held[..Math.Min(held.Length, target.Length)].CopyTo(target);
        }

        return new SimulatedFileContent(bytes) { _lengthOnDisk = bytes.Length, _unreadable = UnreadableCopy() };
    }

    // Fills the end of the sector, or all of it.
    private static void FillWithGarbage(Span<byte> sector, Prng prng)
    {
        for (var at = prng.Chance(500) ? 0 : prng.Next(0, sector.Length); at < sector.Length; at++)
            sector[at] = (byte)prng.Next(0, 256);
    }

    private HashSet<int>? UnreadableCopy() => _unreadable is null ? null : [.. _unreadable];

    private void EnsureUnshared()
    {
        if (_isShared)
            Bytes = (byte[])Bytes.Clone();
        _isShared = false;
    }
}
