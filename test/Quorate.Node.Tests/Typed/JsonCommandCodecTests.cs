using System.Buffers;
using System.Text.Json;
using Quorate.Node.Typed;

namespace Quorate.Node.Tests.Typed;

/// <summary>The JSON codec refuses what is no command, and reads commands of versions that had other optional properties.</summary>
public sealed class JsonCommandCodecTests
{
    private static readonly JsonCommandCodec<TestCommand> _codec = new(TestCommandContext.Default.TestCommand);

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("{")]
    [InlineData("""{"$type":"add","Number":1} {}""")]
    [InlineData("""{"$type":"add","Number":"one"}""")]
    [InlineData("""{"$type":"multiply"}""")]
    public void Bytes_that_are_no_command_do_not_decode(string json) =>
        Assert.Throws<JsonException>(() => _codec.Decode(System.Text.Encoding.UTF8.GetBytes(json)));

    [Fact]
    public void An_unknown_property_is_ignored() =>
        Assert.Equal(new Add(1), _codec.Decode("""{"$type":"add","Number":1,"Since":"v2"}"""u8.ToArray()));

    [Fact]
    public void A_decoded_command_equals_the_encoded_one()
    {
        var destination = new ArrayBufferWriter<byte>();
        _codec.Encode(new Append("\"ü\n"), destination);
        Assert.Equal(new Append("\"ü\n"), _codec.Decode(destination.WrittenMemory));
    }
}
