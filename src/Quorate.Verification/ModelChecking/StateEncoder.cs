using System.Buffers.Binary;

namespace Quorate.Verification.ModelChecking;

/// <summary>Encodes a state into its canonical bytes, and hashes them.</summary>
/// <remarks>
/// The encoding of numbers is prefix-free. A list must be preceded by its length; then equal bytes mean equal states.
/// </remarks>
internal sealed class StateEncoder
{
    private byte[] _bytes = new byte[256];
    private int _length;

    /// <summary>The bytes written so far.</summary>
    public ReadOnlySpan<byte> Written => _bytes.AsSpan(0, _length);

    public void Clear() => _length = 0;

    public void Write(bool value) => Write(value ? 1UL : 0UL);

    /// <summary>Writes seven bits per byte, least significant first (LEB128); most numbers of small models take one byte.</summary>
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

    /// <summary>
    /// Hashes the written bytes to 64 bits. Each step of the hash is invertible in the word it adds, so only chance makes two states
    /// collide.
    /// </summary>
    public ulong Hash()
    {
        Reserve(8);
        _bytes.AsSpan(_length, 8).Clear();
        var hash = (ulong)_length;
        for (var at = 0; at < _length; at += 8)
            hash = Mix(hash ^ BinaryPrimitives.ReadUInt64LittleEndian(_bytes.AsSpan(at)));
        return hash;
    }

    /// <summary>
    /// Spreads a change of any bit over all bits. Source: the finalizer of Steele, Lea, Flood, "Fast Splittable Pseudorandom Number
    /// Generators", OOPSLA 2014.
    /// </summary>
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
