namespace Quorate.Kv;

/// <summary>Whole numbers in as few bytes as they need: seven bits a byte, the low ones first, the top bit says "more follows".</summary>
internal static class Varint
{
    /// <summary>What the largest number takes.</summary>
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

    /// <summary>Reads bytes we wrote ourselves, inside a page. Bytes from outside go through <see cref="TryRead"/>.</summary>
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

    /// <summary>Reads a number written in its one shortest form; false when there is none, it is too large, or padded.</summary>
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
