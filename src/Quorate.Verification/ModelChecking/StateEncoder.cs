using System.Buffers.Binary;

namespace Quorate.Verification.ModelChecking;

/// <summary>The bytes of a state in its one canonical form, and their hash.</summary>
/// <remarks>Numbers are written so that none is the beginning of another. Whoever writes a list writes its length first; then equal bytes are equal states.</remarks>
internal sealed class StateEncoder
{
    private byte[] _bytes = new byte[256];
    private int _length;

    /// <summary>What was written.</summary>
    public ReadOnlySpan<byte> Written => _bytes.AsSpan(0, _length);

    public void Clear() => _length = 0;

    public void Write(bool value) => Write(value ? 1UL : 0UL);

    /// <summary>Seven bits to a byte, the lowest first; the numbers of small models take one byte each.</summary>
    public void Write(ulong value)
    {
        Reserve(10);
        for (; value >= 0x80; value >>= 7)
            _bytes[_length++] = (byte)(value | 0x80);
        _bytes[_length++] = (byte)value;
    }

    public void Write(int value) => Write((ulong)(uint)value);

    public void Write(ReadOnlySpan<byte> bytes)
    {
        Write(bytes.Length);
        Reserve(bytes.Length);
        bytes.CopyTo(_bytes.AsSpan(_length));
        _length += bytes.Length;
    }

    /// <summary>64 bits of what was written: every step of it can be undone, so that words collide by chance alone.</summary>
    public ulong Hash()
    {
        Reserve(8);
        _bytes.AsSpan(_length, 8).Clear();
        var hash = (ulong)_length;
        for (var at = 0; at < _length; at += 8)
            hash = Mix(hash ^ BinaryPrimitives.ReadUInt64LittleEndian(_bytes.AsSpan(at)));
        return hash;
    }

    /// <summary>Spreads a change of any bit over all bits. Source: the finalizer of Steele, Lea, Flood, "Fast Splittable Pseudorandom Number Generators", OOPSLA 2014.</summary>
    public static ulong Mix(ulong value)
    {
        value += 0x9E37_79B9_7F4A_7C15;
        value = (value ^ (value >> 30)) * 0xBF58_476D_1CE4_E5B9;
        value = (value ^ (value >> 27)) * 0x94D0_49BB_1331_11EB;
        return value ^ (value >> 31);
    }

    private void Reserve(int more)
    {
        if (_length + more > _bytes.Length)
            Array.Resize(ref _bytes, Math.Max(_bytes.Length * 2, _length + more));
    }
}
