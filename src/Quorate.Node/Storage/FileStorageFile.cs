using Microsoft.Win32.SafeHandles;

namespace Quorate.Node.Storage;

/// <summary>An open file of a <see cref="FileStorage"/>.</summary>
internal sealed class FileStorageFile(string name, string path, SafeFileHandle handle) : IStorageFile
{
    public string Name => name;

    public long Length => RandomAccess.GetLength(handle);

    public int Read(long offset, Span<byte> target)
    {
        try
        {
            var read = 0;
            while (read < target.Length)
            {
                var n = RandomAccess.Read(handle, target[read..], offset + read);
                if (n == 0)
                    break;
                read += n;
            }

            return read;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new IOException($"Cannot read {target.Length} bytes at {offset} of {path}: {e.Message}", e);
        }
    }

    public void Write(long offset, ReadOnlySpan<byte> source)
    {
        try
        {
            RandomAccess.Write(handle, source, offset);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw FileStorage.Explain($"write {source.Length} bytes at {offset} of", path, e);
        }
    }

    public void SetLength(long length) =>
        FileStorage.WrapErrors($"set the length to {length} of", path, _ => RandomAccess.SetLength(handle, length));

    public void Flush() => NativeFlush.FlushFile(handle, path);

    public void EvictFromPageCache() => PageCacheAdvice.Evict(handle);

    public void Dispose() => handle.Dispose();
}
