using Quorate.Load.Http2;

namespace Quorate.Load.Tests;

/// <summary>Header blocks as RFC 7541 shows them, and blocks that a server must not send.</summary>
public sealed class HpackDecoderTests
{
    // The examples use a table of 256 bytes; this block is a dynamic table size update to that size.
    private const string TableOf256Bytes = "3fe101";

    /// <summary>RFC 7541 Appendix C.5 (plain) and C.6 (Huffman): the status, and the size of the table after evictions.</summary>
    [Theory]
    [InlineData(
        "4803333032580770726976617465611d4d6f6e2c203231204f637420323031332032303a31333a323120474d546e1768747470733a2f2f7777772e6578616d70"
            + "6c652e636f6d",
        "4803333037c1c0bf",
        "88c1611d4d6f6e2c203231204f637420323031332032303a31333a323220474d54c05a04677a69707738666f6f3d4153444a4b48514b425a584f5157454f5049"
            + "5541585157454f49553b206d61782d6167653d333630303b2076657273696f6e3d31")]
    [InlineData(
        "488264025885aec3771a4b6196d07abe941054d444a8200595040b8166e082a62d1bff6e919d29ad171863c78f0b97c8e9ae82ae43d3",
        "4883640effc1c0bf",
        "88c16196d07abe941054d444a8200595040b8166e084a62d1bffc05a839bd9ab77ad94e7821dd7f2e6c7b335dfdfcd5b3960d5af27087f3672c1ab270fb5291f"
            + "9587316065c003ed4ee5b1063d5007")]
    public void The_examples_of_the_RFC_give_their_status_and_table_size(string first, string second, string third)
    {
        var decoder = new HpackDecoder();
        Decode(decoder, TableOf256Bytes);

        Assert.Equal(302, Decode(decoder, first).HttpStatus);
        Assert.Equal(222, decoder.TableBytes);
        Assert.Equal(307, Decode(decoder, second).HttpStatus);
        Assert.Equal(222, decoder.TableBytes);
        Assert.Equal(200, Decode(decoder, third).HttpStatus);
        Assert.Equal(215, decoder.TableBytes);
    }

    [Theory]
    [InlineData("f1e3c2e5f23a6ba0ab90f4ff", "www.example.com")]
    [InlineData("a8eb10649cbf", "no-cache")]
    [InlineData("25a849e95bb8e8b4bf", "custom-value")]
    [InlineData("9d29ad171863c78f0b97c8e9ae82ae43d3", "https://www.example.com")]
    public void The_Huffman_strings_of_the_RFC_decode(string encoded, string expected)
    {
        var decoded = new List<byte>();
        HpackHuffman.Decode(Convert.FromHexString(encoded), decoded);

        Assert.Equal(expected, System.Text.Encoding.ASCII.GetString([.. decoded]));
    }

    [Fact]
    public void A_status_that_was_indexed_is_found_again()
    {
        var decoder = new HpackDecoder();
        var literal = Convert.ToHexString([0x40, 11, .. "grpc-status"u8, 2, .. "14"u8, 0x40, 12, .. "grpc-message"u8, 6, .. "a%20b%"u8]);

        var first = Decode(decoder, literal);
        var second = Decode(decoder, "bfbe");
        var onlyNameIndexed = Decode(decoder, "0f300130");

        Assert.Equal((14, "a b%"), (first.GrpcStatus, first.GrpcMessage));
        Assert.Equal((14, "a b%"), (second.GrpcStatus, second.GrpcMessage));
        Assert.Equal(0, onlyNameIndexed.GrpcStatus);
    }

    [Theory]
    [InlineData("be")] // refers to an entry of an empty dynamic table
    [InlineData("80")] // index 0
    [InlineData("48")] // ends after the name
    [InlineData("480333")] // ends within the value
    [InlineData("3fe21f")] // a table of 4,097 bytes
    [InlineData("3fffffffffff")] // an integer without an end
    [InlineData("48036f6b6b")] // a status that is not a number
    [InlineData("4881fe")] // Huffman padding that is not ones
    [InlineData("4884ffffffff")] // the Huffman code for the end of the string
    public void An_invalid_block_is_rejected(string block)
    {
        Assert.Throws<Http2Exception>(() => Decode(new HpackDecoder(), block));
    }

    private static ResponseHeaders Decode(HpackDecoder decoder, string block)
    {
        var headers = default(ResponseHeaders);
        decoder.Decode(Convert.FromHexString(block), ref headers);
        return headers;
    }
}
