namespace Quorate.Load.Http2;

/// <summary>Decodes HPACK's Huffman code.</summary>
/// <remarks>
/// The code is canonical: codes of equal length are consecutive numbers in the order of their symbols, and a longer code begins after the
/// shorter ones. So the lengths determine all codes. Source: RFC 7541 §5.2 and Appendix B.
/// </remarks>
internal static class HpackHuffman
{
    private const int CodeBitsMax = 30;
    private const int EndOfString = 256;

    private static readonly int[] SymbolsByCode = [.. Enumerable.Range(0, CodeLengths.Length).OrderBy(symbol => CodeLengths[symbol])];
    private static readonly uint[] FirstCode = new uint[CodeBitsMax + 1];
    private static readonly int[] FirstIndex = new int[CodeBitsMax + 1];
    private static readonly int[] CodeCount = new int[CodeBitsMax + 1];

    static HpackHuffman()
    {
        foreach (var bits in CodeLengths)
        {
            CodeCount[bits]++;
        }

        for (var bits = 1; bits <= CodeBitsMax; bits++)
        {
            FirstCode[bits] = (FirstCode[bits - 1] + (uint)CodeCount[bits - 1]) << 1;
            FirstIndex[bits] = FirstIndex[bits - 1] + CodeCount[bits - 1];
        }
    }

    /// <summary>The length of each symbol's code in bits: 256 byte values and the end of the string.</summary>
    private static ReadOnlySpan<byte> CodeLengths =>
    [
        13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
        6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
        13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
        15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
        20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
        22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
        26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
        20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
        30,
    ];

    /// <summary>Decodes <paramref name="encoded"/> and appends the bytes to <paramref name="decoded"/>.</summary>
    /// <exception cref="Http2Exception">The end-of-string code occurs, or the padding is not a prefix of it.</exception>
    public static void Decode(ReadOnlySpan<byte> encoded, List<byte> decoded)
    {
        var code = 0u;
        var bits = 0;
        foreach (var value in encoded)
        {
            for (var bit = 7; bit >= 0; bit--)
            {
                code = (code << 1) | (uint)((value >> bit) & 1);
                bits++;
                var offset = code - FirstCode[bits];
                if (offset < (uint)CodeCount[bits])
                {
                    decoded.Add(Symbol(FirstIndex[bits] + (int)offset));
                    (code, bits) = (0, 0);
                }
                else if (bits == CodeBitsMax)
                {
                    throw new Http2Exception("a Huffman-coded header contains an undefined code");
                }
            }
        }

        // Padding: fewer than eight bits, all of them ones.
        if (bits > 7 || code != (1u << bits) - 1)
        {
            throw new Http2Exception("the padding of a Huffman-coded header is invalid");
        }
    }

    private static byte Symbol(int index) => SymbolsByCode[index] is var symbol and not EndOfString
        ? (byte)symbol
        : throw new Http2Exception("a Huffman-coded header contains the end-of-string code");
}
