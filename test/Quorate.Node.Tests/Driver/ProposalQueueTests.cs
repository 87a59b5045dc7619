using Quorate.Raft;

namespace Quorate.Node.Tests.Driver;

/// <summary>The queue of proposals that the driver has not taken yet is bounded, and what has left it no longer counts.</summary>
public sealed class ProposalQueueTests
{
    private const int BytesMax = 1 << 20;
    private const int CommandBytes = BytesMax / 8;

    private readonly DriverHarness _node = new();

    public ProposalQueueTests()
    {
        _node.ReceiveAppendEntries();
        _node.RunOnce();
    }

    /// <summary>Bytes that are not given back would fill the queue for good, and the node would answer Busy to everything.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void After_many_times_the_limit_as_many_proposals_fit_as_at_the_start(bool withdrawn)
    {
        for (var i = 0; i < 6; i++)
        {
            var ids = new List<ProposalId>();
            while (_node.TryPropose(CommandBytes, out var id))
                ids.Add(id);
            Assert.Equal(BytesMax / CommandBytes, ids.Count);
            if (withdrawn)
                Assert.All(ids, id => Assert.True(_node.Withdraw(id)));
            else
                _node.RunOnce();
        }
    }

    [Fact]
    public void A_command_larger_than_the_limit_fits_into_an_empty_queue_only()
    {
        Assert.True(_node.TryPropose(BytesMax + 1, out _));
        Assert.False(_node.TryPropose(1, out _));
        _node.RunOnce();
        Assert.True(_node.TryPropose(1, out _));
        Assert.False(_node.TryPropose(BytesMax, out _));
        Assert.True(_node.TryPropose(BytesMax - 1, out _));
        Assert.False(_node.TryPropose(1, out _));
    }
}
