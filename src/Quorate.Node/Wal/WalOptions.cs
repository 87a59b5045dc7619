using System.Security.Cryptography;

namespace Quorate.Node.Wal;

/// <summary>Configures the sizes of the write-ahead log.</summary>
internal sealed record WalOptions
{
    /// <summary>The smallest segment that fits a frame of every kind: for tests and the simulator.</summary>
    public const int SegmentBytesMin = 16 * 1024;

    /// <summary>The largest segment: offsets are stored in 32 bits in units of 8 bytes, and recovery reads one segment at a time.</summary>
    public const int SegmentBytesMax = 1024 * 1024 * 1024;

    /// <summary>The length of a segment file, bytes.</summary>
    /// <remarks>
    /// Default 64 MiB; 16 KiB to 1 GiB, a multiple of 4096. Too small: a file is created, filled and flushed every few frames. Too large:
    /// space is released late, because only whole segments are dropped.
    /// </remarks>
    public int SegmentBytes { get; init; } = 64 * 1024 * 1024;

    /// <summary>The longest payload of one entry, bytes.</summary>
    /// <remarks>
    /// Default 8 MiB; 1 to a quarter of <see cref="SegmentBytes"/>, so that every entry fits into a segment. A longer payload is rejected
    /// before anything is written.
    /// </remarks>
    public int PayloadBytesMax { get; init; } = 8 * 1024 * 1024;

    /// <summary>Whether the next segment is created on its own thread while the current one fills up.</summary>
    /// <remarks>
    /// Default true. Without it, the write that needs a new segment waits until that segment is filled and flushed (30 ms to a second for
    /// 64 MiB). The simulator sets false, because it must run everything on its own thread.
    /// </remarks>
    public bool PreallocateInBackground { get; init; } = true;

    /// <summary>Whether a file of the size of a segment holds space in reserve, to go on for a while when the disk is full.</summary>
    /// <remarks>Default true. Without it, a full disk is noticed when the current segment has no space left.</remarks>
    public bool KeepReserve { get; init; } = true;

    /// <summary>Generates the random nonce of a segment, which identifies its sectors. The simulator supplies a seeded generator.</summary>
    public Func<ulong> GenerateNonce { get; init; } = static () =>
    {
        Span<byte> bytes = stackalloc byte[sizeof(ulong)];
        RandomNumberGenerator.Fill(bytes);
        return BitConverter.ToUInt64(bytes);
    };

    /// <summary>Throws if a value is out of range; the message names the option, the value and the range.</summary>
    public void Validate()
    {
        if (SegmentBytes is < SegmentBytesMin or > SegmentBytesMax || SegmentBytes % 4096 != 0)
        {
            throw new ArgumentOutOfRangeException(
                nameof(SegmentBytes), SegmentBytes,
                $"SegmentBytes must be a multiple of 4096 from {SegmentBytesMin} to {SegmentBytesMax}.");
        }

        if (PayloadBytesMax < 1 || PayloadBytesMax > SegmentBytes / 4)
        {
            throw new ArgumentOutOfRangeException(
                nameof(PayloadBytesMax), PayloadBytesMax,
                $"PayloadBytesMax must be from 1 to a quarter of SegmentBytes ({SegmentBytes / 4}).");
        }
    }
}
