using Quorate.Node.Storage;
using Quorate.Node.Versions;

namespace Quorate.Node.Snapshots;

/// <summary>Receives a snapshot from a peer: verifies its bytes, writes them, and makes it a snapshot of this member.</summary>
/// <remarks>
/// The bytes are verified as they arrive, and those of an earlier reception when it is resumed. <see cref="Complete"/> writes the latter
/// again, once: a reception that is interrupted many times would otherwise write its beginning many times. Threading: one caller at a time.
/// </remarks>
internal sealed class SnapshotReception : IDisposable
{
    private const int BufferBytes = 64 * 1024;
    private const string Why = "The bytes are verified before they are used.";
    private readonly SnapshotStore _store;
    private readonly IStorageFile _file;
    private readonly SnapshotVerifier _verifier;
    private readonly DirtyPageLimit _dirtyPages;
    private long _resumedTo;
    private bool _isClosed;

    private SnapshotReception(SnapshotStore store, SnapshotId id, IStorageFile file)
    {
        _store = store;
        _file = file;
        _verifier = new SnapshotVerifier(file.Name, id.FileBytes, Why);
        _dirtyPages = new DirtyPageLimit(file, store.Options.FlushBytes);
        Id = id;
    }

    /// <summary>The snapshot, as the peer announced it.</summary>
    public SnapshotId Id { get; }

    /// <summary>The offset in the file of the next byte to receive.</summary>
    public long Offset { get; private set; }

    /// <summary>Whether bytes can be received.</summary>
    public bool IsOpen => !_isClosed;

    /// <summary>Creates the file.</summary>
    public static SnapshotReception Create(SnapshotStore store, SnapshotId id) =>
        new(store, id, store.Storage.Create(SnapshotName.Receiving, 0));

    /// <summary>
    /// Opens the file that an earlier process, or an earlier reception of this one, left, and verifies it from its beginning. Returns null
    /// when it does not begin with this snapshot.
    /// </summary>
    public static SnapshotReception? TryResume(SnapshotStore store, SnapshotId id)
    {
        var file = store.Storage.Open(SnapshotName.Receiving);
        try
        {
            var reception = new SnapshotReception(store, id, file);
            if (reception.Resume())
                return reception;
            file.Dispose();
            return null;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Verifies and writes the next bytes of the file.</summary>
    /// <param name="offset">Their offset, which must be <see cref="Offset"/>.</param>
    /// <param name="bytes">Bytes in pieces of any length.</param>
    /// <exception cref="SnapshotCorruptionException">
    /// They are not what was written, or not the announced snapshot. This reception ends; another one resumes before them.
    /// </exception>
    /// <exception cref="IOException">No space is left. The reception ends, and the file is deleted.</exception>
    /// <exception cref="DiskFlushException">A flush failed.</exception>
    public void Write(long offset, ReadOnlySpan<byte> bytes)
    {
        RejectIfClosed();
        ArgumentOutOfRangeException.ThrowIfNotEqual(offset, Offset);
        try
        {
            _verifier.Append(bytes);
            VerifyAnnounced();
            _file.Write(Offset, bytes);
            Offset += bytes.Length;
            _dirtyPages.OnWritten(bytes.Length);
        }
        catch (Exception fault)
        {
            Dispose();
            if (fault is IOException and not (SnapshotCorruptionException or DiskFlushException))
                _store.DeleteQuietly(SnapshotName.Receiving);
            throw;
        }
    }

    /// <summary>The version of the cluster as of the snapshot; all bytes must have been received.</summary>
    public VersionAt ClusterVersion => _verifier.Info.ClusterVersion;

    /// <summary>Makes the received file a snapshot of this member.</summary>
    /// <remarks>Durability: content and name are on disk when this returns.</remarks>
    /// <exception cref="SnapshotCorruptionException">
    /// Bytes of an earlier reception are no longer what was verified. Another reception resumes before them.
    /// </exception>
    /// <exception cref="IOException">
    /// The file cannot be renamed, or a snapshot with the same bytes is being read. Another reception finds all bytes received.
    /// </exception>
    /// <exception cref="DiskFlushException">A flush failed.</exception>
    public SnapshotInfo Complete()
    {
        RejectIfClosed();
        if (!_verifier.IsComplete)
            throw new InvalidOperationException($"Only {Offset} of {Id.FileBytes} bytes of the snapshot were received.");
        try
        {
            WriteAgain();
            _dirtyPages.Flush();
        }
        finally
        {
            Dispose();
        }

        _store.Publish(SnapshotName.Receiving, _verifier.Info);
        return _verifier.Info;
    }

    /// <summary>Deletes what was received.</summary>
    public void Abandon()
    {
        if (_isClosed)
            return;
        Dispose();
        _store.Storage.Delete(SnapshotName.Receiving);
    }

    /// <summary>Closes the file and keeps what was received, for <see cref="SnapshotStore.BeginReceive"/>.</summary>
    public void Dispose()
    {
        _isClosed = true;
        _file.Dispose();
    }

    // The next bytes to arrive overwrite what follows the last valid chunk.
    private bool Resume()
    {
        var buffer = new byte[BufferBytes];
        var end = Math.Min(_file.Length, Id.FileBytes);
        var isValid = true;
        for (long at = 0; at < end && isValid; at += buffer.Length)
        {
            isValid = TryVerify(_verifier, at, buffer.AsSpan(0, (int)Math.Min(buffer.Length, end - at)));
            if (!IsAnnounced)
                return false;
        }

        _verifier.Rewind();
        Offset = _resumedTo = _verifier.Offset;
        return Offset > 0;
    }

    // Readable bytes need not be on the disk: the process that wrote them may have ended because their flush failed, and then the system
    // considers the pages clean and no later flush writes them (fsyncgate). So they are written again before the file is a snapshot, see
    // docs/formats/snapshot.md. They are verified again too, because such a page may have been evicted since the reception was resumed, and
    // then the disk returns what it has.
    private void WriteAgain()
    {
        var buffer = new byte[BufferBytes];
        var verifier = new SnapshotVerifier(_file.Name, Id.FileBytes, Why);
        for (long at = 0; at < _resumedTo; at += buffer.Length)
        {
            var bytes = buffer.AsSpan(0, (int)Math.Min(buffer.Length, _resumedTo - at));
            if (!TryVerify(verifier, at, bytes))
                throw Changed(verifier.Offset);
            _file.Write(at, bytes);
            _dirtyPages.OnWritten(bytes.Length);
        }

        // A chunk that states a greater length than before is incomplete.
        if (verifier.Offset != _resumedTo)
            throw Changed(verifier.Offset);
    }

    private SnapshotCorruptionException Changed(long offset) =>
        new(_file.Name, offset, "bytes changed after they were verified", Why);

    // Returns false if the disk cannot read the bytes, or if a unit among them fails verification.
    private bool TryVerify(SnapshotVerifier verifier, long at, Span<byte> bytes)
    {
        try
        {
            if (_file.Read(at, bytes) < bytes.Length)
                return false;
            verifier.Append(bytes);
            return true;
        }
        catch (IOException)
        {
            return false;
        }
    }

    private bool IsAnnounced => _verifier.Header is not { } header ||
        (header.Last == Id.Last && header.Nonce == Id.Nonce && header.ClusterId == _store.ClusterId && header.Group == _store.Group);

    private void VerifyAnnounced()
    {
        if (IsAnnounced)
            return;
        var header = _verifier.Header!.Value;
        header.VerifyOwner(_file.Name, _store.ClusterId, _store.Group);
        throw new SnapshotCorruptionException(
            _file.Name, 0,
            $"it is the snapshot of entry {header.Last} with nonce {header.Nonce:x16}, " +
            $"and that of entry {Id.Last} with nonce {Id.Nonce:x16} was announced", Why);
    }

    private void RejectIfClosed()
    {
        if (_isClosed)
            throw new InvalidOperationException("The reception of the snapshot has ended.");
    }
}
