using Quorate.Node.Storage;

namespace Quorate.Cli.Inspect;

/// <summary>A data directory that is only read: takes no lock, and ignores every change.</summary>
/// <remarks>
/// The recovery of the log can run on it and decides what a start of the member would decide. It writes only what it has read before, so
/// it does not miss what was ignored.
/// </remarks>
internal sealed class ReadOnlyStorage(string directory) : IStorage
{
    public IReadOnlyList<string> List() =>
        [.. Directory.EnumerateFiles(directory).Select(static path => Path.GetFileName(path)).Order(StringComparer.Ordinal)];

    public IStorageFile Open(string name) => new ReadOnlyFile(Path.Combine(directory, name));

    public IStorageFile Create(string name, long length) => new IgnoredFile(name, length);

    public void Rename(string from, string to)
    {
    }

    public void Delete(string name)
    {
    }

    public void FlushDirectory()
    {
    }

    /// <summary>A file that recovery creates, to replace another one: what is written to it is ignored.</summary>
    private sealed class IgnoredFile(string name, long length) : IStorageFile
    {
        public string Name => name;

        public long Length => length;

        public int Read(long offset, Span<byte> target) => throw new NotSupportedException();

        public void Write(long offset, ReadOnlySpan<byte> source)
        {
        }

        public void SetLength(long length)
        {
        }

        public void Flush()
        {
        }

        public void Dispose()
        {
        }
    }
}
