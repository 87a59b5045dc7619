using System.Security.Cryptography;

namespace Quorate.Node.Snapshots;

/// <summary>Configures how snapshot files are written.</summary>
internal sealed record SnapshotOptions
{
    /// <summary>The length of the payload of a chunk, bytes; only the last one is shorter.</summary>
    /// <remarks>
    /// Default 64 KiB, which is the maximum of the format; 1 or more. Too small: 8 bytes and a write for each chunk. A reader holds one
    /// chunk in memory.
    /// </remarks>
    public int ChunkBytes { get; init; } = SnapshotChunk.PayloadBytesMax;

    /// <summary>The number of bytes after which a file that is being written is flushed and evicted from the page cache.</summary>
    /// <remarks>
    /// Default 256 KiB; 1 or more. Too small: a flush for each few chunks slows the snapshot down. Too large: a flush of the log waits
    /// until the disk has written that much of the snapshot.
    /// </remarks>
    public int FlushBytes { get; init; } = 256 * 1024;

    /// <summary>Generates the random nonce of a snapshot file. The simulator supplies a seeded generator.</summary>
    public Func<ulong> GenerateNonce { get; init; } = static () =>
    {
        Span<byte> bytes = stackalloc byte[sizeof(ulong)];
        RandomNumberGenerator.Fill(bytes);
        return BitConverter.ToUInt64(bytes);
    };

    /// <summary>Throws if a value is out of range; the message names the option, the value and the range.</summary>
    public void Validate()
    {
        if (ChunkBytes is < 1 or > SnapshotChunk.PayloadBytesMax)
        {
            throw new ArgumentOutOfRangeException(
                nameof(ChunkBytes), ChunkBytes, $"ChunkBytes must be from 1 to {SnapshotChunk.PayloadBytesMax}.");
        }

        if (FlushBytes < 1)
            throw new ArgumentOutOfRangeException(nameof(FlushBytes), FlushBytes, "FlushBytes must be 1 or more.");
    }
}
