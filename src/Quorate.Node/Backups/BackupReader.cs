using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using Quorate.Node.Snapshots;
using Quorate.Node.Storage;
using Quorate.Node.Versions;
using Quorate.Node.Wal;

namespace Quorate.Node.Backups;

/// <summary>An open backup file: verifies it, and reads the content of its snapshot.</summary>
/// <remarks>
/// Memory: a few blocks, whatever the length of the file. Errors: <see cref="BackupCorruptionException"/>;
/// <see cref="IOException"/> for a file that is no backup, or of another version.
/// </remarks>
internal sealed class BackupReader : IDisposable
{
    private const int BlockBytes = 64 * 1024;
    private const uint BoltMagic = 0xED0C_DAED;
    private const int BoltMagicAt = 16;

    private readonly string _path;
    private readonly ReadOnlyFile _file;
    private readonly long _snapshotBytes;

    /// <summary>Opens a backup and reads its trailer.</summary>
    public BackupReader(string path)
    {
        _path = path;
        _file = FileStorage.WrapErrors("open", path, static p => new ReadOnlyFile(p));
        try
        {
            _snapshotBytes = ReadTrailer();
        }
        catch
        {
            _file.Dispose();
            throw;
        }
    }

    public void Dispose() => _file.Dispose();

    /// <summary>Verifies all checksums: those of each part of the snapshot, which tell where the damage is, and that of the file.</summary>
    public BackupInfo Verify(CancellationToken cancellationToken)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var verifier = new SnapshotVerifier(_path, _snapshotBytes, why: "");
        var block = new byte[BlockBytes];
        var end = _file.Length - BackupTrailer.HashBytes;
        for (long at = 0; at < end;)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var bytes = block.AsSpan(0, (int)Math.Min(block.Length, end - at));
            ReadExactly(at, bytes);
            hash.AppendData(bytes);
            Verify(verifier, at, bytes);
            at += bytes.Length;
        }

        if (!verifier.IsComplete)
            throw Corruption(verifier.Offset, "the snapshot has no end");
        Span<byte> actual = stackalloc byte[BackupTrailer.HashBytes];
        Span<byte> expected = stackalloc byte[BackupTrailer.HashBytes];
        hash.GetCurrentHash(actual);
        ReadExactly(end, expected);
        if (!actual.SequenceEqual(expected))
            throw Corruption(end, "the SHA-256 at the end of the file is not that of the bytes before");
        var info = verifier.Info;
        return new BackupInfo
        {
            Id = info.Id.Nonce,
            ClusterId = verifier.Header!.Value.ClusterId,
            Last = info.Last,
            Configuration = info.Configuration,
            ContentBytes = info.ContentBytes,
            FileBytes = _file.Length,
        };
    }

    /// <summary>Reads what the state machine wrote. Verifies each chunk again, since it is read again.</summary>
    public T ReadContent<T>(BackupInfo info, Func<Stream, T> read, CancellationToken cancellationToken)
    {
        var snapshot = new SnapshotReader(new SnapshotId(info.Last, info.Id, _snapshotBytes), _file, static () => { });
        try
        {
            return read(new SnapshotContentReader(snapshot, cancellationToken));
        }
        catch (SnapshotCorruptionException e)
        {
            throw Corruption(e.Offset, e.What, e);
        }
    }

    private long ReadTrailer()
    {
        var trailerAt = _file.Length - BackupTrailer.HashBytes - BackupTrailer.Bytes;
        if (trailerAt < SnapshotHeader.Bytes || trailerAt % Sectors.Bytes != 0)
            throw NoBackup();
        Span<byte> trailer = stackalloc byte[BackupTrailer.Bytes];
        ReadExactly(trailerAt, trailer);
        if (!BackupTrailer.TryRead(trailer, _path, out var snapshotBytes))
            throw NoBackup();
        return BackupTrailer.FileBytesOf(snapshotBytes) == _file.Length
            ? snapshotBytes
            : throw Corruption(
                trailerAt, string.Create(CultureInfo.InvariantCulture,
                    $"the trailer states a snapshot of {snapshotBytes} bytes, which does not fit a file of {_file.Length}"));
    }

    private void Verify(SnapshotVerifier verifier, long at, ReadOnlySpan<byte> bytes)
    {
        var ofSnapshot = (int)Math.Clamp(_snapshotBytes - at, 0, bytes.Length);
        try
        {
            verifier.Append(bytes[..ofSnapshot]);
        }
        catch (SnapshotCorruptionException e)
        {
            throw Corruption(e.Offset, e.What, e);
        }
        catch (StorageVersionException e)
        {
            throw new IOException(
                $"{_path} contains a snapshot in a format that this build does not read. Use the build that saved it, or a newer one.", e);
        }
    }

    private void ReadExactly(long offset, Span<byte> target)
    {
        int read;
        try
        {
            read = SnapshotFile.Read(_file, offset, target);
        }
        catch (SnapshotCorruptionException e)
        {
            throw Corruption(e.Offset, e.What, e);
        }

        if (read < target.Length)
            throw Corruption(offset + read, "the file has become shorter");
    }

    /// <summary>Distinguishes a backup whose end is missing from a file that is none.</summary>
    private IOException NoBackup()
    {
        Span<byte> start = stackalloc byte[(int)Math.Min(_file.Length, SnapshotHeader.Bytes)];
        ReadExactly(0, start);
        if (start.Length >= BoltMagicAt + sizeof(uint) && BinaryPrimitives.ReadUInt32LittleEndian(start[BoltMagicAt..]) == BoltMagic)
        {
            return new IOException(
                $"{_path} is a snapshot of etcd (a bbolt file), which this version cannot read. " +
                "To migrate, run both servers and copy the keys (etcdctl make-mirror).");
        }

        return SnapshotHeader.HasMagic(start)
            ? Corruption(_file.Length, "the file does not end with the trailer of a backup: it is truncated or damaged there")
            : new IOException($"{_path} is not a backup: it does not begin as one. Name a file that quorate snapshot save has written.");
    }

    private BackupCorruptionException Corruption(long offset, string what, Exception? cause = null) => new(_path, offset, what, cause);
}
