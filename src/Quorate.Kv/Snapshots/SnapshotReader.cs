#pragma warning disable RS0030 // A Stream is where the state machine's interface reads a snapshot; the caller decides what is behind it.

using System.Buffers.Binary;
using Quorate.Kv.Mvcc;

namespace Quorate.Kv.Snapshots;

/// <summary>Reads the parts of a snapshot from a stream. Mirrors <see cref="SnapshotWriter"/>.</summary>
/// <remarks>
/// A read of the stream may return fewer bytes than requested. Errors: <see cref="KvSnapshotFormatException"/> for bytes that the writer
/// would not have written; what the stream throws passes. No length causes an allocation larger than twice the bytes that follow it.
/// </remarks>
internal sealed class SnapshotReader(Stream source)
{
    private const int BufferBytes = 64 * 1024;

    private readonly byte[] _buffer = new byte[BufferBytes];
    private byte[] _large = [];
    private int _at;
    private int _end;

    // The bytes of the buffer up to here are in the hash.
    private int _hashedTo;
    private uint _hash = uint.MaxValue;
    private long _bufferPosition;

    /// <summary>The number of bytes read so far.</summary>
    private long Position => _bufferPosition + _at;

    public ulong Number()
    {
        if (_end - _at < Varint.BytesMax)
            Fill(Varint.BytesMax);
        var at = _at;
        if (!Varint.TryRead(_buffer.AsSpan(0, _end), ref at, out var value))
            throw Invalid(at < _end ? "contains an invalid number" : "is truncated");
        _at = at;
        return value;
    }

    /// <summary>Reads a number from <paramref name="min"/> to <paramref name="max"/>.</summary>
    public long Number(long min, long max, string what)
    {
        var value = Number();
        return value >= (ulong)min && value <= (ulong)max
            ? (long)value
            : throw Invalid($"has {value} as {what}, which must be from {min} to {max}");
    }

    public long Signed() => Zigzag.Decode(Number());

    /// <summary>Reads bytes. The span is valid until the next call.</summary>
    public ReadOnlySpan<byte> Bytes(int length)
    {
        if (length > BufferBytes)
            return LargeBytes(length);
        if (_end - _at < length)
            Fill(length);
        if (_end - _at < length)
            throw Invalid("is truncated");
        var bytes = _buffer.AsSpan(_at, length);
        _at += length;
        return bytes;
    }

    /// <summary>
    /// Reads the checksum, compares it with that of everything before, and requires that nothing follows. Returns the checksum.
    /// </summary>
    public uint ExpectChecksumAndEnd()
    {
        HashConsumed();
        var expected = ~_hash;
        var actual = BinaryPrimitives.ReadUInt32LittleEndian(Bytes(KvSnapshotFormat.ChecksumBytes));
        if (actual != expected)
            throw new KvSnapshotFormatException($"the snapshot has checksum {actual:x8}, but its bytes have {expected:x8}");
        Fill(1);
        if (_end > _at)
            throw Invalid("continues after its checksum");
        return actual;
    }

    /// <summary>
    /// Copies everything up to the checksum. Then compares the checksum with that of everything before, which the caller has read or which
    /// was copied, and requires that nothing follows.
    /// </summary>
    public void CopyRestTo(SnapshotWriter writer)
    {
        while (true)
        {
            Fill(BufferBytes);
            var length = _end - _at - KvSnapshotFormat.ChecksumBytes;
            if (length <= 0)
                break;
            writer.Bytes(_buffer.AsSpan(_at, length));
            _at += length;
        }

        ExpectChecksumAndEnd();
    }

    public KvSnapshotFormatException Invalid(string problem) => new($"the snapshot {problem}, at byte {Position}");

    /// <summary>Reads until that many bytes are in the buffer, or the stream ends.</summary>
    private void Fill(int bytes)
    {
        HashConsumed();
        _buffer.AsSpan(_at, _end - _at).CopyTo(_buffer);
        _bufferPosition += _at;
        (_end, _at, _hashedTo) = (_end - _at, 0, 0);
        while (_end < bytes)
        {
            var read = source.Read(_buffer, _end, BufferBytes - _end);
            if (read == 0)
                return;
            _end += read;
        }
    }

    /// <summary>Reads bytes that are more than the buffer holds, into an array that grows with the bytes received.</summary>
    private ReadOnlySpan<byte> LargeBytes(int length)
    {
        var count = _end - _at;
        EnsureLarge(int.Min(length, 2 * BufferBytes), keep: 0);
        _buffer.AsSpan(_at, count).CopyTo(_large);
        _at = _end;
        HashConsumed();
        while (count < length)
        {
            if (count == _large.Length)
                EnsureLarge((int)long.Min(length, 2L * count), keep: count);
            var read = source.Read(_large, count, int.Min(length, _large.Length) - count);
            if (read == 0)
                throw Invalid("is truncated");
            _hash = RevisionHash.Append(_hash, _large.AsSpan(count, read));
            _bufferPosition += read;
            count += read;
        }

        return _large.AsSpan(0, length);
    }

    private void EnsureLarge(int length, int keep)
    {
        if (_large.Length >= length)
            return;
        var larger = GC.AllocateUninitializedArray<byte>(length);
        _large.AsSpan(0, keep).CopyTo(larger);
        _large = larger;
    }

    private void HashConsumed()
    {
        _hash = RevisionHash.Append(_hash, _buffer.AsSpan(_hashedTo, _at - _hashedTo));
        _hashedTo = _at;
    }
}
