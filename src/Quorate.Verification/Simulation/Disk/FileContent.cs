namespace Quorate.Verification.Simulation.Disk;

/// <summary>The bytes of a file as programs see them, and what of them is on the disk.</summary>
/// <remarks>The granularity is the sector of 512 bytes, which is written whole or not at all.</remarks>
internal sealed class FileContent(byte[] content)
{
    public const int SectorBytes = 512;

    /// <summary>What a sector that changed since the last flush holds on the disk; null when the file ends before it there.</summary>
    private readonly Dictionary<int, byte[]?> _onDisk = [];

    /// <summary>Sectors whose write failed: the system forgot that they are dirty, and the next flush passes them by (fsyncgate).</summary>
    private readonly HashSet<int> _forgotten = [];

    private int _lengthOnDisk;

    /// <summary>A copy reads these bytes too: whoever changes them first takes bytes of its own.</summary>
    private bool _isShared;

    public byte[] Bytes { get; private set; } = content;

    public bool IsClean => _onDisk.Count == 0 && _lengthOnDisk == Bytes.Length;

    /// <summary>A file all of which is on the disk.</summary>
    public static FileContent Durable(byte[] bytes) => new(bytes) { _lengthOnDisk = bytes.Length };

    /// <summary>These bytes are about to change.</summary>
    public void Touch(long offset, int length)
    {
        Own();
        for (var sector = (int)(offset / SectorBytes); sector * (long)SectorBytes < offset + length; sector++)
        {
            _forgotten.Remove(sector);
            if (_onDisk.ContainsKey(sector))
                continue;
            var at = sector * SectorBytes;
            _onDisk[sector] = at < Math.Min(_lengthOnDisk, Bytes.Length) ? Bytes[at..Math.Min(at + SectorBytes, Bytes.Length)] : null;
        }
    }

    public void SetLength(long length)
    {
        var bytes = Bytes;
        if (length < bytes.Length)
            Touch(length, bytes.Length - (int)length);
        Array.Resize(ref bytes, (int)length);
        Bytes = bytes;
        _isShared = false;
    }

    public void Flush()
    {
        _lengthOnDisk = Bytes.Length;
        if (_forgotten.Count == 0)
        {
            _onDisk.Clear();
            return;
        }

        foreach (var sector in _onDisk.Keys.Where(s => !_forgotten.Contains(s)).ToArray())
            _onDisk.Remove(sector);
    }

    /// <summary>A flush failed: what was dirty stays as programs see it, is not on the disk, and will not be until it is written again.</summary>
    public void FailFlush() => _forgotten.UnionWith(_onDisk.Keys);

    /// <summary>What is there after a power cut; each sector that was not on the disk is kept or not.</summary>
    public FileContent AfterPowerCut(Func<bool> kept)
    {
        if (IsClean)
        {
            _isShared = true;
            return new FileContent(Bytes) { _lengthOnDisk = _lengthOnDisk, _isShared = true };
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
            target.Clear();
            onDisk?.AsSpan(0, Math.Min(onDisk.Length, target.Length)).CopyTo(target);
        }

        return Durable(bytes);
    }

    private void Own()
    {
        if (_isShared)
            Bytes = (byte[])Bytes.Clone();
        _isShared = false;
    }
}
