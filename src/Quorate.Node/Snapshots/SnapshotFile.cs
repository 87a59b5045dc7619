using Quorate.Node.Storage;
using Quorate.Raft;

namespace Quorate.Node.Snapshots;

/// <summary>Reads what a snapshot file states about itself, without its chunks.</summary>
internal static class SnapshotFile
{
    /// <summary>Reads and verifies the header, the configuration and the trailer.</summary>
    /// <exception cref="SnapshotCorruptionException">They are not as they were written, or belong to another cluster.</exception>
    /// <exception cref="IOException">Another version wrote the file.</exception>
    public static SnapshotInfo ReadInfo(IStorageFile file, ulong clusterId, GroupId group)
    {
        var length = file.Length;
        var verifier = new SnapshotVerifier(file.Name, length);
        verifier.Accept(ReadExactly(file, 0, verifier.UnitBytes([])));
        var header = verifier.Header!.Value;
        header.VerifyOwner(file.Name, clusterId, group);
        verifier.Accept(ReadExactly(file, verifier.Offset, verifier.UnitBytes([])));

        var trailerAt = length - SnapshotTrailer.Bytes;
        var chunkBytes = trailerAt - verifier.Offset;
        if (!SnapshotTrailer.TryRead(ReadExactly(file, trailerAt, SnapshotTrailer.Bytes), header.Nonce, trailerAt, out var trailer) ||
            trailer.ContentBytes + (SnapshotChunk.HeaderBytes * trailer.Chunks) != chunkBytes)
        {
            throw new SnapshotCorruptionException(
                file.Name, trailerAt, "the file does not end with its trailer", SnapshotVerifier.WrittenWhole);
        }

        return new SnapshotInfo(new SnapshotId(header.Last, header.Nonce, length), trailer.ContentBytes, verifier.Configuration!,
            header.ClusterVersion, header.ConfigurationIndex);
    }

    /// <summary>Reads at an offset; bytes that the disk cannot read count as corrupted.</summary>
    /// <returns>The number of bytes read; fewer than requested only at the end of the file.</returns>
    public static int Read(IStorageFile file, long offset, Span<byte> target)
    {
        try
        {
            return file.Read(offset, target);
        }
        catch (IOException fault)
        {
            throw new SnapshotCorruptionException(
                file.Name, offset, $"the disk cannot read it ({fault.Message.TrimEnd('.')})", SnapshotVerifier.WrittenWhole, fault);
        }
    }

    private static byte[] ReadExactly(IStorageFile file, long offset, int length)
    {
        var bytes = new byte[length];
        var read = Read(file, offset, bytes);
        return read == length
            ? bytes
            : throw new SnapshotCorruptionException(
                file.Name, offset + read, "the file has become shorter", SnapshotVerifier.WrittenWhole);
    }
}
