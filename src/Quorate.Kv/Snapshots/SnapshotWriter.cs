#pragma warning disable RS0030 // A Stream is where the state machine's interface writes a snapshot; the caller decides what is behind it.

using System.Buffers.Binary;
using Quorate.Kv.Mvcc;

namespace Quorate.Kv.Snapshots;

/// <summary>Writes the parts of a snapshot to a stream through one small buffer, and their checksum at the end.</summary>
internal sealed class SnapshotWriter(Stream destination)
{
    private const int BufferBytes = 64 * 1024;

    private readonly byte[] _buffer = new byte[BufferBytes];
    private int _count;
    private uint _hash = uint.MaxValue;

    public void Number(ulong value)
    {
        if (BufferBytes - _count < Varint.BytesMax)
            Flush();
        _count += Varint.Write(_buffer.AsSpan(_count), value);
    }

    public void Signed(long value) => Number(Zigzag.Encode(value));

    /// <summary>Writes bytes as they are. Large ones are written in parts of at most the size of the buffer.</summary>
    public void Bytes(ReadOnlySpan<byte> bytes)
    {
        while (bytes.Length > BufferBytes - _count)
        {
            var part = bytes[..(BufferBytes - _count)];
            part.CopyTo(_buffer.AsSpan(_count));
            _count = BufferBytes;
            bytes = bytes[part.Length..];
            Flush();
        }

        bytes.CopyTo(_buffer.AsSpan(_count));
        _count += bytes.Length;
    }

    /// <summary>Writes the checksum over everything so far, and what is left in the buffer.</summary>
    public void Finish()
    {
        Flush();
        BinaryPrimitives.WriteUInt32LittleEndian(_buffer, ~_hash);
        destination.Write(_buffer, 0, KvSnapshotFormat.ChecksumBytes);
    }

    private void Flush()
    {
        _hash = RevisionHash.Append(_hash, _buffer.AsSpan(0, _count));
        destination.Write(_buffer, 0, _count);
        _count = 0;
    }
}
