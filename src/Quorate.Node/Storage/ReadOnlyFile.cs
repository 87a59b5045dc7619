using Microsoft.Win32.SafeHandles;

namespace Quorate.Node.Storage;

/// <summary>A file that is only read, also while a member has it open.</summary>
/// <remarks>Ignores changes: recovery rewrites the end of a log, which is not wanted when a data directory is inspected.</remarks>
internal sealed class ReadOnlyFile : IStorageFile
{
    private readonly SafeFileHandle _handle;

    /// <summary>Opens a file.</summary>
    public ReadOnlyFile(string path)
    {
        Name = Path.GetFileName(path);
        _handle = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        Length = RandomAccess.GetLength(_handle);
    }

    public string Name { get; }

    /// <summary>The length of the file when it was opened.</summary>
    public long Length { get; }

    public int Read(long offset, Span<byte> target)
    {
        var read = 0;
        while (read < target.Length)
        {
            var n = RandomAccess.Read(_handle, target[read..], offset + read);
            if (n == 0)
                break;
            read += n;
        }

        return read;
    }

    public void Write(long offset, ReadOnlySpan<byte> source)
    {
    }

    public void SetLength(long length)
    {
    }

    public void Flush()
    {
    }

    public void Dispose() => _handle.Dispose();
}
