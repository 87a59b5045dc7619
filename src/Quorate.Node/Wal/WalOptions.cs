using System.Security.Cryptography;

namespace Quorate.Node.Wal;

/// <summary>How large the pieces of the write-ahead log are.</summary>
internal sealed record WalOptions
{
    /// <summary>The smallest segment that still holds a frame of every kind: for tests and the simulator.</summary>
    public const int SegmentBytesMin = 16 * 1024;

    /// <summary>The largest segment: places are counted in eights in 32 bits, and a recovery reads a segment at a time.</summary>
    public const int SegmentBytesMax = 1024 * 1024 * 1024;

    /// <summary>Length of one segment file, bytes.</summary>
    /// <remarks>
    /// Default 64 MiB; 16 KiB to 1 GiB, a multiple of 4096. Too small: a file is made, filled and flushed every few frames. Too large:
    /// space is given back late, because only whole segments are dropped.
    /// </remarks>
    public int SegmentBytes { get; init; } = 64 * 1024 * 1024;

    /// <summary>The longest payload of one entry, bytes.</summary>
    /// <remarks>
    /// Default 8 MiB; 1 to a quarter of <see cref="SegmentBytes"/>, so that every entry fits into a segment. A longer one is refused before
    /// anything is written.
    /// </remarks>
    public int PayloadBytesMax { get; init; } = 8 * 1024 * 1024;

    /// <summary>Whether the next segment is made by a thread of its own while the present one fills.</summary>
    /// <remarks>
    /// Default true. Without it the write that needs a new segment waits until that is filled and flushed (30 ms to a second for 64 MiB).
    /// The simulator says false: nothing may happen there on a thread it does not own.
    /// </remarks>
    public bool PreallocateInBackground { get; init; } = true;

    /// <summary>Draws the number by which a segment knows its own sectors. The simulator hands in a seeded one.</summary>
    public Func<ulong> GenerateNonce { get; init; } = static () =>
    {
        Span<byte> bytes = stackalloc byte[sizeof(ulong)];
        RandomNumberGenerator.Fill(bytes);
        return BitConverter.ToUInt64(bytes);
    };

    /// <summary>Throws when a value is out of its range, naming the option, the value and the range.</summary>
    public void Validate()
    {
        if (SegmentBytes is < SegmentBytesMin or > SegmentBytesMax || SegmentBytes % 4096 != 0)
            throw new ArgumentOutOfRangeException(nameof(SegmentBytes), SegmentBytes, $"SegmentBytes must be a multiple of 4096 from {SegmentBytesMin} to {SegmentBytesMax}.");
        if (PayloadBytesMax < 1 || PayloadBytesMax > SegmentBytes / 4)
            throw new ArgumentOutOfRangeException(nameof(PayloadBytesMax), PayloadBytesMax, $"PayloadBytesMax must be from 1 to a quarter of SegmentBytes ({SegmentBytes / 4}).");
    }
}
