using Quorate.Node.Storage;

namespace Quorate.Benchmarks.Wal;

/// <summary>
/// Storage in memory whose writes and flushes cost nothing, so that a benchmark measures only our own code. The memory of deleted files is
/// reused.
/// </summary>
internal sealed class MemoryStorage : IStorage
{
    private readonly Dictionary<string, MemoryFile> _files = new(StringComparer.Ordinal);
    private readonly Stack<byte[]> _unused = new();

    public IReadOnlyList<string> List() => [.. _files.Keys.Order(StringComparer.Ordinal)];

    public IStorageFile Open(string name) => _files[name];

    public IStorageFile Create(string name, long length)
    {
        var bytes = _unused.Count > 0 && _unused.Peek().Length == length ? _unused.Pop() : new byte[length];
        return _files[name] = new MemoryFile(name, bytes);
    }

    public void Rename(string from, string to)
    {
        _files[to] = new MemoryFile(to, _files[from].Bytes);
        _files.Remove(from);
    }

    public void Delete(string name)
    {
        _unused.Push(_files[name].Bytes);
        _files.Remove(name);
    }

    public void FlushDirectory()
    {
    }

    private sealed class MemoryFile(string name, byte[] bytes) : IStorageFile
    {
        public byte[] Bytes => bytes;

        public string Name => name;

        public long Length => bytes.Length;

        public int Read(long offset, Span<byte> target)
        {
            var length = (int)Math.Min(target.Length, bytes.Length - offset);
            bytes.AsSpan((int)offset, length).CopyTo(target);
            return length;
        }

        public void Write(long offset, ReadOnlySpan<byte> source) => source.CopyTo(bytes.AsSpan((int)offset));

        public void SetLength(long length) => throw new NotSupportedException("files of the write-ahead log have a fixed length");

        public void Flush()
        {
        }

        public void Dispose()
        {
        }
    }
}
