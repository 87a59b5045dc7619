namespace Quorate.Raft.Tests.Seeds;

/// <summary>Lives that once ended badly, each with what it showed.</summary>
public sealed class FormerFailures
{
    [Theory]
    [InlineData(1UL << 33 | 2, "1 2", "a forwarded proposal that came twice entered the log twice")]
    [InlineData(3UL << 32 | 1, "1 2 3", "a forwarded proposal was refused as Busy when it first came and taken when it came again")]
    [InlineData(1UL << 48 | 1, "1 2 3 & 3 4 5", "a deposed leader refused, the second time, what it had taken the first")]
    public void A_life_that_once_failed_ends_well(ulong seed, string members, string showed)
    {
        var halves = members.Split('&');
        OneLife.Of(seed, Given.Configuration(halves[0], halves.Length > 1 ? halves[1] : ""));
        Assert.NotEmpty(showed);
    }
}
