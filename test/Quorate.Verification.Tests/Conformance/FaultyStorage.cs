using Quorate.Node.Storage;
using Quorate.Node.Tests.Storage;

namespace Quorate.Verification.Tests.Conformance;

/// <summary>One way in which a storage may break its contract.</summary>
public enum StorageFault
{
    None,
    ListIsUnsorted,
    CreateReplaces,
    CreateLeavesGarbage,
    OpenCreates,
    OpenThrowsAnotherType,
    ReadsAreShort,
    ReadThrowsAtEnd,
    WritesDoNotExtend,
    WritesAtMultiplesOfEight,
    SetLengthIgnored,
    RenameCopies,
    RenameDoesNotReplace,
    DeleteIgnored,
    HandlesAreBuffered,
    BelongsToOneThread,
    IsNotExclusive,
    FlushIgnored,
    FlushDirectoryIgnored,
}

/// <summary>A storage in memory with one fault.</summary>
internal sealed class FaultyStorage(MemoryStorage inner, StorageFault fault) : IStorage
{
    private readonly Thread _owner = Thread.CurrentThread;

    public MemoryStorage Inner => inner;

    public IReadOnlyList<string> List() => fault == StorageFault.ListIsUnsorted ? [.. inner.List().Reverse()] : inner.List();

    public IStorageFile Open(string name)
    {
        if (fault == StorageFault.OpenCreates && !inner.List().Contains(name))
            return Create(name, 0);
        if (fault == StorageFault.OpenThrowsAnotherType && !inner.List().Contains(name))
            throw new KeyNotFoundException(name);
        return new FaultyFile(inner.Open(name), fault);
    }

    public IStorageFile Create(string name, long length)
    {
        if (fault == StorageFault.BelongsToOneThread && Thread.CurrentThread != _owner)
            throw new InvalidOperationException("wrong thread");
        if (fault == StorageFault.CreateReplaces && inner.List().Contains(name))
            inner.Delete(name);
        var file = inner.Create(name, length);
        if (fault == StorageFault.CreateLeavesGarbage)
            inner.BytesOf(name).AsSpan().Fill(238);
        return new FaultyFile(file, fault);
    }

    public void Rename(string from, string to)
    {
        if (fault == StorageFault.RenameDoesNotReplace && inner.List().Contains(to))
            throw new IOException($"{to} exists");
        var bytes = inner.List().Contains(from) ? inner.BytesOf(from) : [];
        inner.Rename(from, to);
        if (fault == StorageFault.RenameCopies)
        {
            using var copy = inner.Create(from, bytes.Length);
            copy.Write(0, bytes);
        }
    }

    public void Delete(string name)
    {
        if (fault != StorageFault.DeleteIgnored)
            inner.Delete(name);
    }

    public void FlushDirectory()
    {
        if (fault != StorageFault.FlushDirectoryIgnored)
            inner.FlushDirectory();
    }
}

/// <summary>A file of a <see cref="FaultyStorage"/>.</summary>
internal sealed class FaultyFile(IStorageFile inner, StorageFault fault) : IStorageFile
{
    private readonly List<(long Offset, byte[] Bytes)> _buffered = [];

    public string Name => inner.Name;

    public long Length => inner.Length;

    public int Read(long offset, Span<byte> target)
    {
        if (fault == StorageFault.ReadThrowsAtEnd && offset + target.Length > Length)
            throw new EndOfStreamException("the file ends too early");
        var read = inner.Read(offset, fault == StorageFault.ReadsAreShort ? target[..Math.Min(target.Length, 1000)] : target);

        // Its own writes are visible until they are flushed, and then lost.
        foreach (var (at, bytes) in _buffered)
        {
            for (var i = 0; i < bytes.Length; i++)
            {
                if (at + i >= offset && at + i < offset + target.Length)
                    target[(int)(at + i - offset)] = bytes[i];
            }
        }

        return read;
    }

    public void Write(long offset, ReadOnlySpan<byte> source)
    {
        if (fault == StorageFault.WritesDoNotExtend && offset + source.Length > Length)
            throw new IOException("the write is beyond the end of the file");
        if (fault == StorageFault.HandlesAreBuffered && offset + source.Length <= Length)
            _buffered.Add((offset, source.ToArray()));
        else
            inner.Write(fault == StorageFault.WritesAtMultiplesOfEight ? offset & -8 : offset, source);
    }

    public void SetLength(long length)
    {
        if (fault != StorageFault.SetLengthIgnored)
            inner.SetLength(length);
    }

    public void Flush()
    {
        _buffered.Clear();
        if (fault != StorageFault.FlushIgnored)
            inner.Flush();
    }

    public void Dispose() => inner.Dispose();
}
