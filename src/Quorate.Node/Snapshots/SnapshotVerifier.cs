using System.Buffers.Binary;
using Quorate.Node.Storage;
using Quorate.Raft;

namespace Quorate.Node.Snapshots;

/// <summary>Verifies the bytes of a snapshot file, in order: header, configuration, chunks, trailer. Each of these is a unit.</summary>
/// <remarks>
/// Shape: <see cref="UnitBytes"/> and <see cref="Accept"/> are for a caller that reads unit by unit; <see cref="Append"/> is for one that
/// gets the bytes in pieces of any length. It does no I/O.
/// Errors: <see cref="SnapshotCorruptionException"/> for the first unit that fails verification; <see cref="Offset"/> stays before it.
/// </remarks>
/// <param name="file">The name of the file, for error messages.</param>
/// <param name="fileBytes">The length of the whole file, bytes.</param>
/// <param name="why">Why the bytes should be valid, for error messages.</param>
internal sealed class SnapshotVerifier(string file, long fileBytes, string why = SnapshotVerifier.WrittenWhole)
{
    /// <summary>Why a file with the name of a snapshot is complete.</summary>
    public const string WrittenWhole = "A snapshot receives its name only after all of it is on disk, so no crash leaves this.";

    private enum Unit
    {
        Header,
        Configuration,
        ChunkOrTrailer,
        Nothing,
    }

    private Unit _next;
    private SnapshotHeader _header;
    private Configuration? _configuration;
    private long _chunks;
    private long _contentBytes;
    private uint _checksum = ~0u;
    private byte[] _unit = [];
    private int _unitLength;

    /// <summary>The end of the last unit that was verified.</summary>
    public long Offset { get; private set; }

    /// <summary>The header; null until it was verified.</summary>
    public SnapshotHeader? Header => _next > Unit.Header ? _header : null;

    /// <summary>The configuration; null until it was verified.</summary>
    public Configuration? Configuration => _configuration;

    /// <summary>The number of chunks that were verified.</summary>
    public long Chunks => _chunks;

    /// <summary>The length of the payloads that were verified, bytes.</summary>
    public long ContentBytes => _contentBytes;

    /// <summary>Whether the whole file was verified.</summary>
    public bool IsComplete => _next == Unit.Nothing;

    /// <summary>What the file states about itself; only when <see cref="IsComplete"/>.</summary>
    public SnapshotInfo Info
    {
        get
        {
            Invariant.That(IsComplete, "a snapshot is used only after all of it was verified");
            return new SnapshotInfo(
                new SnapshotId(_header.Last, _header.Nonce, fileBytes), _contentBytes, _configuration!, _header.ClusterVersion,
                _header.ConfigurationIndex);
        }
    }

    /// <summary>
    /// Returns the length of the unit at <see cref="Offset"/>, bytes, as far as its first bytes tell: a length that is not longer than
    /// <paramref name="start"/> is that of the whole unit.
    /// </summary>
    public int UnitBytes(ReadOnlySpan<byte> start)
    {
        var bytes = _next switch
        {
            Unit.Header => SnapshotHeader.Bytes,
            Unit.Configuration => _header.ConfigurationBytes,
            Unit.ChunkOrTrailer when start.Length < SnapshotChunk.HeaderBytes || IsTrailer(start) => 0,
            Unit.ChunkOrTrailer => ChunkBytes(start),
            _ => throw Corruption("there are bytes after the trailer"),
        };

        // Nothing but the trailer ends the file, so every other unit leaves room for it.
        if (Offset + bytes + SnapshotTrailer.Bytes > fileBytes)
            throw Corruption($"the file ends at byte {fileBytes}, before its trailer");
        if (bytes > 0)
            return bytes;
        return start.Length < SnapshotChunk.HeaderBytes ? SnapshotChunk.HeaderBytes : SnapshotTrailer.Bytes;
    }

    /// <summary>Verifies a unit, and returns the payload if it is a chunk.</summary>
    public ReadOnlySpan<byte> Accept(ReadOnlySpan<byte> unit)
    {
        ReadOnlySpan<byte> payload = [];
        switch (_next)
        {
            case Unit.Header:
                _header = SnapshotHeader.Read(unit, file, why);
                _next = Unit.Configuration;
                break;
            case Unit.Configuration:
                _configuration = SnapshotConfiguration.Read(unit, _header.Nonce, Offset, file, why);
                _next = Unit.ChunkOrTrailer;
                break;
            case Unit.ChunkOrTrailer when IsTrailer(unit):
                VerifyTrailer(unit);
                _next = Unit.Nothing;
                break;
            default:
                if (!SnapshotChunk.IsValid(unit, _header.Nonce, Offset))
                    throw Corruption($"chunk {_chunks} fails verification");
                payload = unit[SnapshotChunk.HeaderBytes..];
                _chunks++;
                _contentBytes += payload.Length;
                break;
        }

        _checksum = Crc32C.Continue(_checksum, unit[..sizeof(uint)]);
        Offset += unit.Length;
        return payload;
    }

    /// <summary>Verifies the units that these bytes complete; the rest is kept until the next call.</summary>
    public void Append(ReadOnlySpan<byte> bytes)
    {
        while (bytes.Length > 0)
        {
            var needed = UnitBytes(_unit.AsSpan(0, _unitLength));
            var taken = Math.Min(bytes.Length, needed - _unitLength);
            if (_unit.Length < needed)
                Array.Resize(ref _unit, needed);
            bytes[..taken].CopyTo(_unit.AsSpan(_unitLength));
            _unitLength += taken;
            bytes = bytes[taken..];
            if (_unitLength == UnitBytes(_unit.AsSpan(0, _unitLength)))
            {
                Accept(_unit.AsSpan(0, _unitLength));
                _unitLength = 0;
            }
        }
    }

    /// <summary>Forgets the bytes after <see cref="Offset"/>: the next call of <see cref="Append"/> continues there.</summary>
    public void Rewind() => _unitLength = 0;

    private static bool IsTrailer(ReadOnlySpan<byte> start) =>
        start.Length >= SnapshotChunk.HeaderBytes && BinaryPrimitives.ReadUInt32LittleEndian(start[4..]) == SnapshotTrailer.Magic;

    private int ChunkBytes(ReadOnlySpan<byte> start)
    {
        var length = BinaryPrimitives.ReadUInt32LittleEndian(start[4..]);
        return length is > 0 and <= SnapshotChunk.PayloadBytesMax
            ? SnapshotChunk.HeaderBytes + (int)length
            : throw Corruption($"chunk {_chunks} states a length of {length} bytes");
    }

    private void VerifyTrailer(ReadOnlySpan<byte> unit)
    {
        if (!SnapshotTrailer.TryRead(unit, _header.Nonce, Offset, out var trailer))
            throw Corruption("the trailer fails verification");
        if (trailer != new SnapshotTrailer(_chunks, _contentBytes, ~_checksum))
        {
            throw Corruption(
                $"the trailer states {trailer.Chunks} chunks with {trailer.ContentBytes} bytes, " +
                $"and there are {_chunks} with {_contentBytes}, or other ones");
        }

        if (Offset + unit.Length != fileBytes)
            throw Corruption($"the trailer ends at byte {Offset + unit.Length}, the file at {fileBytes}");
    }

    private SnapshotCorruptionException Corruption(string what) => new(file, Offset, what, why);
}
