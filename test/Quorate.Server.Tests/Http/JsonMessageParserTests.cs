using System.Text;
using Google.Protobuf;
using Grpc.Core;
using Quorate.Server.Http;
using Quorate.Server.Protos;

namespace Quorate.Server.Tests.Http;

/// <summary>JSON requests become the messages that protobuf's JSON mapping describes, with every integer exact.</summary>
public sealed class JsonMessageParserTests
{
    /// <summary>2^53 + 1 is the first integer that a double cannot represent; 7587862094969311749 is an id of tooz.</summary>
    [Theory]
    [InlineData("0", 0)]
    [InlineData("-1", -1)]
    [InlineData("9007199254740993", 9007199254740993)]
    [InlineData("7587862094969311749", 7587862094969311749)]
    [InlineData("9223372036854775807", long.MaxValue)]
    [InlineData("-9223372036854775808", long.MinValue)]
    [InlineData("9223372036854775807.0", long.MaxValue)]
    [InlineData("7.0", 7)]
    [InlineData("12e3", 12_000)]
    [InlineData("9.007199254740993e15", 9007199254740993)]
    [InlineData("-0", 0)]
    public void A_signed_integer_is_exact_as_a_number_and_as_a_string(string digits, long value)
    {
        Assert.Equal(value, Parse<LeaseGrantRequest>($$"""{"ID":{{digits}}}""").ID);
        Assert.Equal(value, Parse<LeaseGrantRequest>($$"""{"ID":"{{digits}}"}""").ID);
    }

    [Theory]
    [InlineData("0", 0)]
    [InlineData("9007199254740993", 9007199254740993)]
    [InlineData("10276657743932975437", 10276657743932975437)]
    [InlineData("18446744073709551615", ulong.MaxValue)]
    public void An_unsigned_integer_is_exact_as_a_number_and_as_a_string(string digits, ulong value)
    {
        Assert.Equal(value, Parse<AlarmRequest>($$"""{"memberID":{{digits}}}""").MemberID);
        Assert.Equal(value, Parse<AlarmRequest>($$"""{"memberID":"{{digits}}"}""").MemberID);
    }

    [Fact]
    public void A_nested_integer_is_exact()
    {
        var txn = Parse<TxnRequest>(
            """
            {"compare":[{"key":"YQ==","target":"MOD","modRevision":9007199254740993}],
             "success":[{"request_txn":{"failure":[{"requestRange":{"key":"YQ==","limit":9223372036854775807}},
                                                   {"request_put":{"key":"YQ==","lease":"7587862094969311749"}}]}}]}
            """);

        var nested = txn.Success[0].RequestTxn.Failure;
        Assert.Equal(9007199254740993, txn.Compare[0].ModRevision);
        Assert.Equal(long.MaxValue, nested[0].RequestRange.Limit);
        Assert.Equal(7587862094969311749, nested[1].RequestPut.Lease);
    }

    [Theory]
    [InlineData("""{"ID":9223372036854775808}""")]
    [InlineData("""{"ID":"9223372036854775808"}""")]
    [InlineData("""{"ID":-9223372036854775809}""")]
    [InlineData("""{"ID":1.5}""")]
    [InlineData("""{"ID":"1.5"}""")]
    [InlineData("""{"ID":9223372036854775807.01}""")]
    [InlineData("""{"ID":1e-1}""")]
    [InlineData("""{"ID":1e30}""")]
    [InlineData("""{"ID":1e999999999999}""")]
    [InlineData("""{"ID":""}""")]
    [InlineData("""{"ID":" 7"}""")]
    [InlineData("""{"ID":"+7"}""")]
    [InlineData("""{"ID":"007"}""")]
    [InlineData("""{"ID":"0x7"}""")]
    [InlineData("""{"ID":true}""")]
    [InlineData("""{"ID":[7]}""")]
    public void A_number_that_the_field_cannot_hold_is_rejected_with_the_field_and_its_range(string json)
    {
        var text = AssertMalformed<LeaseGrantRequest>(json);

        Assert.Contains("\"ID\"", text, StringComparison.Ordinal);
        Assert.Contains("from -9223372036854775808 to 9223372036854775807", text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("-1")]
    [InlineData("18446744073709551616")]
    public void An_unsigned_field_rejects_what_is_out_of_its_range(string digits) =>
        Assert.Contains(
            "from 0 to 18446744073709551615", AssertMalformed<AlarmRequest>($$"""{"memberID":{{digits}}}"""), StringComparison.Ordinal);

    [Theory]
    [InlineData("Zm8=", "fo")]
    [InlineData("Zm8", "fo")]
    [InlineData("", "")]
    [InlineData("Pz8/Pj4+", "???>>>")]
    [InlineData("Pz8_Pj4-", "???>>>")]
    [InlineData("Pz8\\/Pj4+", "???>>>")]
    [InlineData("\\u005am8=", "fo")]
    public void Bytes_are_base64(string base64, string text) =>
        Assert.Equal(text, Parse<PutRequest>($$"""{"key":"{{base64}}"}""").Key.ToStringUtf8());

    [Theory]
    [InlineData("\"***\"")]
    [InlineData("\"Z\"")]
    [InlineData("\"Zm8==\"")]
    [InlineData("12345678901234567890")]
    [InlineData("{}")]
    public void Bytes_that_are_not_base64_are_rejected(string value) =>
        Assert.Contains("base64", AssertMalformed<PutRequest>($$"""{"key":{{value}}}"""), StringComparison.Ordinal);

    [Theory]
    [InlineData("\"DESCEND\"")]
    [InlineData("2")]
    [InlineData("\"2\"", false)]
    [InlineData("\"DOWN\"", false)]
    [InlineData("2147483648", false)]
    [InlineData("true", false)]
    public void An_enum_is_a_known_name_or_a_number(string value, bool isValid = true)
    {
        var json = $$"""{"sort_order":{{value}}}""";
        if (isValid)
            Assert.Equal(RangeRequest.Types.SortOrder.Descend, Parse<RangeRequest>(json).SortOrder);
        else
            Assert.Contains("sort_order", AssertMalformed<RangeRequest>(json), StringComparison.Ordinal);
    }

    [Fact]
    public void A_repeated_enum_takes_names_and_numbers()
    {
        var watch = Parse<WatchRequest>("""{"create_request":{"filters":["NODELETE",0]}}""");

        Assert.Equal(
            [WatchCreateRequest.Types.FilterType.Nodelete, WatchCreateRequest.Types.FilterType.Noput], watch.CreateRequest.Filters);
    }

    [Fact]
    public void Unknown_fields_and_null_are_ignored()
    {
        var request = Parse<RangeRequest>("""{"new":{"deep":[1,{"x":1.5}]},"key":"YQ==","limit":null,"keysOnly":true}""");

        Assert.Equal(new RangeRequest { Key = ByteString.CopyFromUtf8("a"), KeysOnly = true }, request);
    }

    [Fact]
    public void An_empty_body_is_an_empty_request() => Assert.Equal(new RangeRequest(), Parse<RangeRequest>(""));

    [Theory]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData(" ")]
    [InlineData("{")]
    [InlineData("""{"compare":[]}{}""")]
    [InlineData("""{"\ud800":1}""")]
    [InlineData("""{"success":{}}""")]
    [InlineData("""{"success":[null]}""")]
    [InlineData("""{"success":[1]}""")]
    [InlineData("""{"success":[{"request_range":{"key":"\ud800"}}]}""")]
    [InlineData("""{"success":[{"request_range":{"keys_only":"true"}}]}""")]
    [InlineData("""{"success":[{"request_range":{"keys_only":1}}]}""")]
    [InlineData("""{"success":[{"request_put":{},"request_range":{}}]}""")]
    public void What_is_not_a_JSON_object_of_the_request_is_rejected(string json) => AssertMalformed<TxnRequest>(json);

    [Fact]
    public void Text_that_is_not_UTF8_is_rejected_even_in_an_unknown_field()
    {
        byte[] json = [.. """{"key":"Zm9v","x":" """u8, 0xff, .. "\"}"u8];

        var error = Assert.Throws<RpcException>(() => JsonMessageParser.Parse<RangeRequest>(json));

        Assert.Equal(StatusCode.InvalidArgument, error.StatusCode);
        Assert.Contains("UTF-8", error.Status.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public void Nesting_without_end_is_rejected()
    {
        var json = string.Concat(Enumerable.Repeat("""{"success":[{"request_txn":""", 1000));

        AssertMalformed<TxnRequest>(json);
    }

    private static T Parse<T>(string json)
        where T : IMessage, new() =>
        JsonMessageParser.Parse<T>(Encoding.UTF8.GetBytes(json));

    private static string AssertMalformed<T>(string json)
        where T : IMessage, new()
    {
        var error = Assert.Throws<RpcException>(() => Parse<T>(json));
        Assert.Equal(StatusCode.InvalidArgument, error.StatusCode);
        Assert.NotEmpty(error.Status.Detail);
        return error.Status.Detail;
    }
}
