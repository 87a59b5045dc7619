using System.Buffers.Binary;

namespace Quorate.Node.Transport;

/// <summary>
/// Reads what <see cref="WireWriter"/> wrote; throws <see cref="WireFormatException"/>, and no other exception, when bytes are missing.
/// </summary>
internal ref struct WireReader(ReadOnlySpan<byte> source)
{
    private readonly ReadOnlySpan<byte> _source = source;

    /// <summary>The current position.</summary>
    public int Position { get; private set; }

    public readonly int Remaining => _source.Length - Position;

    public byte Byte() => Take(1)[0];

    public ushort UInt16() => BinaryPrimitives.ReadUInt16LittleEndian(Take(2));

    public uint UInt32() => BinaryPrimitives.ReadUInt32LittleEndian(Take(4));

    public ulong UInt64() => BinaryPrimitives.ReadUInt64LittleEndian(Take(8));

    public void Skip(int count) => Take(count);

    public ReadOnlySpan<byte> Take(int count)
    {
        if (count > Remaining)
            throw new WireFormatException($"{count} bytes are needed at {Position}; the message ends at {_source.Length}");
        var taken = _source.Slice(Position, count);
        Position += count;
        return taken;
    }
}
