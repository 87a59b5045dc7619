using Quorate.Node.Storage;

namespace Quorate.Node.Snapshots;

/// <summary>Reads the bytes of a snapshot file as they are, to send them to a peer. The file is kept until this is disposed.</summary>
/// <remarks>Threading: one caller at a time. The bytes are not verified: the peer that receives them verifies them.</remarks>
internal sealed class SnapshotReader(SnapshotId id, IStorageFile file, Action onDispose) : IDisposable
{
    private bool _isDisposed;

    /// <summary>The snapshot.</summary>
    public SnapshotId Id => id;

    /// <summary>The name of the file.</summary>
    public string Name => file.Name;

    /// <summary>The length of the file, bytes.</summary>
    public long Length => id.FileBytes;

    /// <summary>Reads at an offset. Returns fewer bytes than requested only at the end of the file.</summary>
    /// <exception cref="IOException">The disk cannot read the bytes.</exception>
    public int Read(long offset, Span<byte> target) => file.Read(offset, target);

    /// <summary>Reads at an offset; bytes that the disk cannot read count as corrupted.</summary>
    public int ReadOrThrowCorruption(long offset, Span<byte> target) => SnapshotFile.Read(file, offset, target);

    /// <summary>Closes the file. Deletes it if it is older than the newest snapshot and was to be deleted.</summary>
    public void Dispose()
    {
        if (_isDisposed)
            return;
        _isDisposed = true;
        file.Dispose();
        onDispose();
    }
}
