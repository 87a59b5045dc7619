using Quorate.Node.Storage;

namespace Quorate.Node.Tests.Storage;

/// <summary>What a power loss leaves of the data that was not flushed.</summary>
public enum MemoryStoragePowerLossOutcome
{
    /// <summary>Nothing.</summary>
    Dropped,

    /// <summary>All of it.</summary>
    Kept,

    /// <summary>Each sector and each name is kept or lost at random.</summary>
    Mixed,
}

/// <summary>
/// Storage in memory that knows what is durable: it can lose power at any call, and be copied as a power loss would leave it.
/// </summary>
/// <remarks>Threading: none. The granularity is the sector of 512 bytes, which is written whole or not at all.</remarks>
public sealed class MemoryStorage : IStorage
{
    private const int SectorBytes = 512;
    private SortedDictionary<string, Content> _names = new(StringComparer.Ordinal);
    private SortedDictionary<string, Content> _durableNames = new(StringComparer.Ordinal);

    /// <summary>The number of calls so far that changed something or made something durable.</summary>
    public int Calls { get; private set; }

    /// <summary>The number of writes so far.</summary>
    public int Writes { get; private set; }

    /// <summary>The number of flushes so far, of files and of the directory.</summary>
    public int Flushes { get; private set; }

    /// <summary>The number of files that were opened and not disposed of.</summary>
    public int OpenFiles { get; private set; }

    /// <summary>The number of reads so far.</summary>
    public int Reads { get; private set; }

    /// <summary>The most bytes that one read has requested.</summary>
    public int LongestRead { get; set; }

    /// <summary>The files that were evicted from the page cache, in order.</summary>
    public List<string> Evicted { get; } = [];

    /// <summary>
    /// Called before each changing call, with its description; throws to make the call fail. A write that fails may have been done in part.
    /// What a failed flush should have written does not become durable before it is written again.
    /// </summary>
    public Action<string>? BeforeCall { get; set; }

    /// <summary>The byte of a file that cannot be read, or null.</summary>
    public (string Name, long At)? Unreadable { get; set; }

    public IReadOnlyList<string> List() => [.. _names.Keys];

    public IStorageFile Open(string name)
    {
        if (!_names.TryGetValue(name, out var content))
            throw new FileNotFoundException($"no file {name}");
        OpenFiles++;
        return new Handle(this, name, content);
    }

    public IStorageFile Create(string name, long length)
    {
        Count("create " + name);
        if (_names.ContainsKey(name))
            throw new IOException($"{name} already exists");
        _names[name] = new Content { Bytes = new byte[length] };
        return Open(name);
    }

    public void Rename(string from, string to)
    {
        Count("rename " + from);
        if (!_names.Remove(from, out var content))
            throw new FileNotFoundException($"no file {from}");
        _names[to] = content;
    }

    public void Delete(string name)
    {
        Count("delete " + name);
        if (!_names.Remove(name))
            throw new FileNotFoundException($"no file {name}");
    }

    public void FlushDirectory()
    {
        Count("flush directory");
        Flushes++;
        _durableNames = new(_names, StringComparer.Ordinal);
    }

    /// <summary>The bytes of a file as they are now; change one to corrupt the disk.</summary>
    public byte[] BytesOf(string name) => _names[name].Bytes;

    /// <summary>Returns another disk with the same names and bytes, all of it durable.</summary>
    public MemoryStorage Copy()
    {
        var copy = new MemoryStorage();
        foreach (var (name, content) in _names)
            copy._names[name] = Content.Durable([.. content.Bytes]);
        copy._durableNames = new(copy._names, StringComparer.Ordinal);
        return copy;
    }

    /// <summary>Returns what the next start finds after a power loss now.</summary>
    public MemoryStorage CopyAfterPowerLoss(MemoryStoragePowerLossOutcome policy, int seed = 0)
    {
        var coin = new Random(seed);
        bool Kept() => policy == MemoryStoragePowerLossOutcome.Kept || (policy == MemoryStoragePowerLossOutcome.Mixed && coin.Next(2) == 0);

        var names = new SortedDictionary<string, Content>(StringComparer.Ordinal);
        foreach (var name in _names.Keys.Union(_durableNames.Keys, StringComparer.Ordinal).Order(StringComparer.Ordinal))
        {
            // Each name has its state at the last flush or its present one.
            var source = Kept() ? _names : _durableNames;
            if (source.TryGetValue(name, out var content))
                names[name] = content;
        }

        var copy = new MemoryStorage();
        foreach (var (name, content) in names)
            copy._names[name] = Content.Durable(content.AfterCrash(Kept));
        copy._durableNames = new(copy._names, StringComparer.Ordinal);
        return copy;
    }

    private void Count(string call)
    {
        BeforeCall?.Invoke(call);
        Calls++;
    }

    private sealed class Content
    {
        // What a sector that changed since the last flush held then; null when the file ended before it.
        private readonly SortedDictionary<int, byte[]?> _before = [];

        // Those whose flush failed: the system considers them clean, and no later flush writes them unless they change (fsyncgate).
        private readonly HashSet<int> _dropped = [];

        public byte[] Bytes { get; set; } = [];

        private int DurableLength { get; set; }

        public static Content Durable(byte[] bytes) => new() { Bytes = bytes, DurableLength = bytes.Length };

        public void Touch(long offset, int length)
        {
            for (var sector = (int)(offset / SectorBytes); sector * (long)SectorBytes < offset + length; sector++)
            {
                var at = sector * SectorBytes;
                _dropped.Remove(sector);
                if (!_before.ContainsKey(sector))
                    _before[sector] = at < Bytes.Length ? Bytes[at..Math.Min(at + SectorBytes, Bytes.Length)] : null;
            }
        }

        public void Flush()
        {
            foreach (var sector in _before.Keys.Where(s => !_dropped.Contains(s)).ToArray())
                _before.Remove(sector);
            DurableLength = Bytes.Length;
        }

        public void FailFlush() => _dropped.UnionWith(_before.Keys);

        public byte[] AfterCrash(Func<bool> kept)
        {
            var bytes = (byte[])Bytes.Clone();
            if (DurableLength != bytes.Length && !kept())
                Array.Resize(ref bytes, DurableLength);
            foreach (var (sector, before) in _before)
            {
                var at = sector * SectorBytes;
                if (at >= bytes.Length || kept())
                    continue;
                var target = bytes.AsSpan(at, Math.Min(SectorBytes, bytes.Length - at));
                target.Clear();
                before?.AsSpan(0, Math.Min(before.Length, target.Length)).CopyTo(target);
            }

            return bytes;
        }
    }

    private sealed class Handle(MemoryStorage storage, string name, Content content) : IStorageFile
    {
        private bool _isOpen = true;

        public string Name => name;

        public long Length => content.Bytes.Length;

        public int Read(long offset, Span<byte> target)
        {
            storage.Reads++;
            storage.LongestRead = Math.Max(storage.LongestRead, target.Length);
            var length = (int)Math.Clamp(content.Bytes.Length - offset, 0, target.Length);
            if (storage.Unreadable is var (unreadable, at) && unreadable == name && at >= offset && at < offset + length)
                throw new IOException("input/output error");
            content.Bytes.AsSpan((int)Math.Min(offset, content.Bytes.Length), length).CopyTo(target);
            return length;
        }

        public void Write(long offset, ReadOnlySpan<byte> source)
        {
            content.Touch(offset, source.Length);
            if (offset + source.Length > content.Bytes.Length)
                content.Bytes = [.. content.Bytes, .. new byte[offset + source.Length - content.Bytes.Length]];

            // Power may also be lost in the middle of a write: then half of its sectors are written, and not flushed.
            source[..(source.Length / 2 / SectorBytes * SectorBytes)].CopyTo(content.Bytes.AsSpan((int)offset));
            storage.Count("write " + name);
            source.CopyTo(content.Bytes.AsSpan((int)offset));
            storage.Writes++;
        }

        public void SetLength(long length)
        {
            storage.Count("set length of " + name);
            var bytes = content.Bytes;
            Array.Resize(ref bytes, (int)length);
            content.Bytes = bytes;
        }

        public void Flush()
        {
            try
            {
                storage.Count("flush " + name);
            }
            catch (DiskFlushException)
            {
                content.FailFlush();
                throw;
            }

            content.Flush();
            storage.Flushes++;
        }

        public void EvictFromPageCache() => storage.Evicted.Add(name);

        public void Dispose()
        {
            storage.OpenFiles -= _isOpen ? 1 : 0;
            _isOpen = false;
        }
    }
}

/// <summary>The simulated power loss.</summary>
public sealed class PowerLossException() : Exception("power cut");
