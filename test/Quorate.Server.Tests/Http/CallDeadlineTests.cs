using Grpc.Core;
using Quorate.Server.Http;

namespace Quorate.Server.Tests.Http;

/// <summary>The header <c>Grpc-Timeout</c> of a JSON call.</summary>
public sealed class CallDeadlineTests
{
    [Theory]
    [InlineData("2H", 7200)]
    [InlineData("3M", 180)]
    [InlineData("5S", 5)]
    [InlineData("1500m", 1.5)]
    [InlineData("20u", 0.000_02)]
    [InlineData("700n", 0.000_000_7)]
    [InlineData("99999999H", 99_999_999d * 3600)]
    public void A_timeout_is_a_number_and_a_unit(string header, double seconds)
    {
        Assert.True(CallDeadline.TryParse(header, out var timeout));
        Assert.Equal(seconds, timeout.TotalSeconds, 7);
    }

    [Theory]
    [InlineData("")]
    [InlineData("5")]
    [InlineData("S")]
    [InlineData("-1S")]
    [InlineData("1.5S")]
    [InlineData("5s")]
    [InlineData("100000000S")]
    public void Anything_else_is_an_invalid_argument(string header)
    {
        var error = Assert.Throws<RpcException>(() => CallDeadline.Start(header, CancellationToken.None));

        Assert.Equal((StatusCode.InvalidArgument, $"invalid grpc-timeout: {header}"), (error.StatusCode, error.Status.Detail));
    }

    [Fact]
    public void A_call_without_the_header_has_no_deadline()
    {
        using var aborted = new CancellationTokenSource();
        using var deadline = CallDeadline.Start(null, aborted.Token);

        Assert.Equal((DateTime.MaxValue, aborted.Token), (deadline.ExpiresAt, deadline.Token));
    }
}
