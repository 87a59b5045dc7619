namespace Quorate.Raft.Tests.Rules;

/// <summary>An option out of range is refused when the core is created, and the message names the option and the range.</summary>
public sealed class RaftOptionsTests
{
    private static readonly RaftOptions Smallest = new()
    {
        Self = Given.Node(1), HeartbeatTicks = 1, ElectionTicks = 5, MaxMessageBytes = 1024, MaxInflightMessages = 1,
        MaxInflightBytes = 1024, MaxCommandBytes = 1, MaxUncommittedBytes = 1, MaxCachedBytes = 0, MaxPendingReads = 1,
    };

    public static TheoryData<string, Func<RaftOptions, RaftOptions>> TooSmall => new()
    {
        { nameof(RaftOptions.Self), static o => o with { Self = NodeId.None } },
        { nameof(RaftOptions.HeartbeatTicks), static o => o with { HeartbeatTicks = 0 } },
        { nameof(RaftOptions.ElectionTicks), static o => o with { ElectionTicks = 4 } },
        { nameof(RaftOptions.ElectionTicks), static o => o with { HeartbeatTicks = 2, ElectionTicks = 9 } },
        { nameof(RaftOptions.MaxMessageBytes), static o => o with { MaxMessageBytes = 1023 } },
        { nameof(RaftOptions.MaxInflightMessages), static o => o with { MaxInflightMessages = 0 } },
        { nameof(RaftOptions.MaxInflightBytes), static o => o with { MaxInflightBytes = 1023 } },
        { nameof(RaftOptions.MaxCommandBytes), static o => o with { MaxCommandBytes = 0 } },
        { nameof(RaftOptions.MaxUncommittedBytes), static o => o with { MaxUncommittedBytes = 0 } },
        { nameof(RaftOptions.MaxCachedBytes), static o => o with { MaxCachedBytes = -1 } },
        { nameof(RaftOptions.MaxPendingReads), static o => o with { MaxPendingReads = 0 } },
    };

    [Theory]
    [MemberData(nameof(TooSmall))]
    public void A_value_below_the_range_is_refused_by_name(string option, Func<RaftOptions, RaftOptions> change)
    {
        var refused = Assert.Throws<ArgumentException>(change(Smallest).Validate);

        Assert.Equal(option, refused.ParamName);
        Assert.StartsWith($"{option} is ", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_smallest_values_of_every_range_are_accepted() => Smallest.Validate();

    [Fact]
    public void A_core_is_not_created_with_an_option_out_of_range()
    {
        var state = new DurableState { Configuration = Given.Voters(3) };
        Assert.Throws<ArgumentException>(() => new RaftCore(Smallest with { MaxPendingReads = 0 }, state));
    }
}
