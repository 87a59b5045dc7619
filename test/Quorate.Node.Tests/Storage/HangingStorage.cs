using Quorate.Node.Storage;

namespace Quorate.Node.Tests.Storage;

/// <summary>Real files whose writes and flushes hang from <see cref="Hang"/> to <see cref="Resume"/>.</summary>
internal sealed class HangingStorage(string directory) : IStorage, IDisposable
{
    private readonly FileStorage _inner = new(directory);
    private readonly ManualResetEventSlim _responds = new(initialState: true);
    private int _hangingCalls;

    /// <summary>The number of calls that hang at present.</summary>
    public int HangingCalls => Volatile.Read(ref _hangingCalls);

    public void Hang() => _responds.Reset();

    public void Resume() => _responds.Set();

    public IReadOnlyList<string> List() => _inner.List();

    public IStorageFile Open(string name) => new HangingFile(this, _inner.Open(name));

    public IStorageFile Create(string name, long length) => new HangingFile(this, _inner.Create(name, length));

    public void Rename(string from, string to) => _inner.Rename(from, to);

    public void Delete(string name) => _inner.Delete(name);

    public void FlushDirectory()
    {
        WaitWhileHanging();
        _inner.FlushDirectory();
    }

    public void Dispose() => _inner.Dispose();

    private void WaitWhileHanging()
    {
        Interlocked.Increment(ref _hangingCalls);
        _responds.Wait();
        Interlocked.Decrement(ref _hangingCalls);
    }

    private sealed class HangingFile(HangingStorage storage, IStorageFile inner) : IStorageFile
    {
        public string Name => inner.Name;

        public long Length => inner.Length;

        public int Read(long offset, Span<byte> target) => inner.Read(offset, target);

        public void Write(long offset, ReadOnlySpan<byte> source)
        {
            storage.WaitWhileHanging();
            inner.Write(offset, source);
        }

        public void SetLength(long length) => inner.SetLength(length);

        public void Flush()
        {
            storage.WaitWhileHanging();
            inner.Flush();
        }

        public void Dispose() => inner.Dispose();
    }
}
