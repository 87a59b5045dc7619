using System.Buffers;
using System.Net;
using System.Text;
using Quorate.Server.Http;

namespace Quorate.Server.Tests.Http;

/// <summary>The operations of a transaction in JSON are counted before it is parsed.</summary>
public sealed class JsonOperationCounterTests
{
    private const int OperationsMax = 3;

    [Theory]
    [InlineData("""{"compare":[{},{},{}]}""", false)]
    [InlineData("""{"compare":[{},{},{},{}]}""", true)]
    [InlineData("""{"success":[{},{},{},{}]}""", true)]
    [InlineData("""{"failure":[{},{},{},{}]}""", true)]
    [InlineData("""{"compare":[{},{}],"compare":[{},{}]}""", true)]
    [InlineData("""{"comp\u0061re":[{},{},{},{}]}""", true)]
    [InlineData("""{"other":[{},{},{},{}],"compare":[]}""", false)]
    [InlineData("""{"compare":[{}],"success":[{}],"failure":[{},{},{}]}""", false)]
    [InlineData("""{"success":[{"requestTxn":{"compare":[{},{}]}}]}""", false)]
    [InlineData("""{"success":[{"requestTxn":{"compare":[{},{},{}]}}]}""", true)]
    [InlineData("""{"success":[{"request_txn":{"success":[{"request_txn":{"failure":[{},{}]}}]}}]}""", true)]
    [InlineData("""{"success":[{"request_txn":{"compare":[{},{}]},"requestTxn":{"compare":[{}]}}]}""", true)]
    [InlineData("""{"success":[{"request_put":{"key":"YQ=="}},{},{}]}""", false)]
    [InlineData("""{"compare":null,"success":7,"failure":"x"}""", false)]
    [InlineData("""{"compare":[null,1,"x",[{},{},{},{}]]}""", true)]
    [InlineData("""[{},{},{},{}]""", false)]
    [InlineData("""{"compare":[{},""", false)]
    [InlineData("", false)]
    public void The_longest_path_counts(string json, bool exceeds) =>
        Assert.Equal(exceeds, JsonOperationCounter.Exceeds(new ReadOnlySequence<byte>(Encoding.UTF8.GetBytes(json)), OperationsMax));

    [Fact]
    public async Task The_gateway_rejects_it_with_etcds_error()
    {
        await using var server = await ServerFixture.StartAsync();
        var compares = string.Join(',', Enumerable.Repeat("{}", 129));

        using var response = await server.Http.PostAsync(
            new Uri("/v3/kv/txn", UriKind.Relative), new StringContent($"{{\"compare\":[{compares}]}}"));

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Contains(
            "etcdserver: too many operations in txn request", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }
}
