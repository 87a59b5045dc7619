using Quorate.Server.Settings;

namespace Quorate.Server.Tests.Settings;

/// <summary>Durations in Go's syntax.</summary>
public sealed class GoDurationTests
{
    [Theory]
    [InlineData("0", 0)]
    [InlineData("0s", 0)]
    [InlineData("500ms", 500)]
    [InlineData("250us", 0.25)]
    [InlineData("250µs", 0.25)]
    [InlineData("1.5s", 1500)]
    [InlineData("1h30m5s", 5_405_000)]
    [InlineData("8760h", 365d * 24 * 3_600_000)]
    public void A_duration_is_a_sequence_of_numbers_with_units(string text, double milliseconds)
    {
        Assert.True(GoDuration.TryParse(text, out var duration));
        Assert.Equal(milliseconds, duration.TotalMilliseconds);
    }

    [Theory]
    [InlineData("")]
    [InlineData("10")]
    [InlineData("s")]
    [InlineData("-1s")]
    [InlineData("1d")]
    [InlineData("1 s")]
    [InlineData("1..5s")]
    [InlineData("1e3s")]
    [InlineData("8761h")]
    public void Anything_else_is_rejected(string text) => Assert.False(GoDuration.TryParse(text, out _));
}
