namespace Quorate.Kv;

/// <summary>Variable-length unsigned integers: seven bits per byte, low bits first; the top bit is set when more bytes follow.</summary>
internal static class Varint
{
    /// <summary>The encoded size of the largest number.</summary>
    public const int BytesMax = 10;

    public static int Write(Span<byte> target, ulong value)
    {
        var at = 0;
        while (value >= 0x80)
        {
            target[at++] = (byte)(value | 0x80);
            value >>= 7;
        }

        target[at++] = (byte)value;
        return at;
    }

    /// <summary>Reads a number that this class wrote to a page. Untrusted bytes must be read with <see cref="TryRead"/>.</summary>
    public static ulong Read(ReadOnlySpan<byte> source, ref int at)
    {
        ulong b = source[at++];
        if (b < 0x80)
            return b;

        var value = b & 0x7f;
        for (var shift = 7; ; shift += 7)
        {
            b = source[at++];
            value |= (b & 0x7f) << shift;
            if (b < 0x80)
                return value;
        }
    }

    /// <summary>Reads a number in its only shortest form; returns false when it is missing, too large or padded.</summary>
    public static bool TryRead(ReadOnlySpan<byte> source, ref int at, out ulong value)
    {
        value = 0;
        for (var shift = 0; shift < 64; shift += 7)
        {
            if (at >= source.Length)
                return false;
            ulong b = source[at++];
            if (shift == 63 && b > 1)
                return false;
            value |= (b & 0x7f) << shift;
            if (b < 0x80)
                return b != 0 || shift == 0;
        }

        return false;
    }

    public static int Size(ulong value) => (System.Numerics.BitOperations.Log2(value | 1) / 7) + 1;
}
