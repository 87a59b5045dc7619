using System.Security.Cryptography;
using Quorate.Node.Storage;
using Quorate.Raft;

namespace Quorate.Node.Backups;

/// <summary>Writes a backup file to a stream: the snapshot file as it comes, then the trailer and the hash.</summary>
/// <remarks>To the writer of the snapshot it is a file that is written from its beginning to its end.</remarks>
internal sealed class BackupWriter(Stream destination) : IStorageFile
{
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);

    public string Name => "backup";

    public long Length { get; private set; }

    public void Write(long offset, ReadOnlySpan<byte> source)
    {
        Invariant.That(offset == Length, "a snapshot file is written from its beginning to its end");
        Append(source);
    }

    /// <summary>Writes what follows the snapshot file.</summary>
    public void Complete()
    {
        var end = new byte[(int)(BackupTrailer.TrailerAt(Length) - Length) + BackupTrailer.Bytes];
        BackupTrailer.Write(end.AsSpan(end.Length - BackupTrailer.Bytes), Length);
        Append(end);
        Span<byte> hash = stackalloc byte[BackupTrailer.HashBytes];
        _hash.GetCurrentHash(hash);
        destination.Write(hash);
    }

    public int Read(long offset, Span<byte> target) => throw new NotSupportedException();

    public void SetLength(long length) => throw new NotSupportedException();

    /// <summary>Does nothing: the owner of the stream makes the file durable.</summary>
    public void Flush()
    {
    }

    public void Dispose() => _hash.Dispose();

    private void Append(ReadOnlySpan<byte> bytes)
    {
        _hash.AppendData(bytes);
        destination.Write(bytes);
        Length += bytes.Length;
    }
}
