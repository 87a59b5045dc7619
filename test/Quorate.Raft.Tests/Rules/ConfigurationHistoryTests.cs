namespace Quorate.Raft.Tests.Rules;

/// <summary>Which configuration is in force, and which one was.</summary>
public sealed class ConfigurationHistoryTests
{
    private static readonly Configuration First = Given.Voters(1), Second = Given.Voters(2), Third = Given.Voters(3);

    [Fact]
    public void The_configuration_of_an_entry_is_the_last_one_before_or_at_it()
    {
        var history = Create();
        Assert.Equal((0UL, 5UL, 5UL, 9UL), (Index(history, 4), Index(history, 5), Index(history, 8), Index(history, 100)));
        Assert.Same(Third, history.Current);
    }

    [Fact]
    public void Truncation_brings_the_earlier_configuration_back_into_force()
    {
        var history = Create();
        Assert.False(history.TruncateFrom(Given.At(10)));
        Assert.True(history.TruncateFrom(Given.At(9)));
        Assert.Same(Second, history.Current);
        Assert.True(history.TruncateFrom(Given.At(1)));
        Assert.Same(First, history.Current);
    }

    [Fact]
    public void The_configuration_in_force_at_a_snapshot_is_kept()
    {
        var history = Create();
        history.DropBefore(Given.At(8));
        Assert.Equal([5UL, 9UL], history.All.Select(static at => at.Index.Value));
        history.DropBefore(Given.At(100));
        Assert.Same(Third, Assert.Single(history.All).Configuration);
    }

    private static ulong Index(ConfigurationHistory history, ulong at) => history.At(Given.At(at)).Index.Value;

    private static ConfigurationHistory Create()
    {
        var history = new ConfigurationHistory([new ConfigurationAt(LogIndex.Zero, First)]);
        history.Append(Given.At(5), Second);
        history.Append(Given.At(9), Third);
        return history;
    }
}
