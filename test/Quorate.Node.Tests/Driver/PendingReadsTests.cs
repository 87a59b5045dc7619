using Quorate.Node.Driver;
using Quorate.Raft;

namespace Quorate.Node.Tests.Driver;

/// <summary>
/// Abandoned reads do not count against the limit: a member that is cut off from the others may have received any number of them.
/// </summary>
public sealed class PendingReadsTests
{
    private readonly DriverHarness _node = new(pendingMax: 10);

    [Fact]
    public async Task Abandoned_reads_are_removed_while_no_leader_is_known()
    {
        for (var i = 0; i < 20_000; i++)
            Read().Cancel();
        Assert.True(_node.PendingReads.CountWithAbandoned < 100, $"{_node.PendingReads.CountWithAbandoned} held");

        var reader = Read();
        _node.ReceiveAppendEntries();
        _node.RunOnce();
        ReplyToAllReadIndexRequests(LogIndex.Zero);
        Assert.True((await reader.Task.WaitAsync(TimeSpan.FromSeconds(10))).IsGranted);
    }

    /// <summary>The leader's messages to this member arrive, and this member's messages to the leader are lost.</summary>
    [Fact]
    public async Task Abandoned_reads_are_removed_while_the_leader_does_not_reply()
    {
        _node.ReceiveAppendEntries();
        for (var i = 0; i < 20_000; i++)
            Read().Cancel();
        Assert.True(_node.PendingReads.CountWithAbandoned < 100, $"{_node.PendingReads.CountWithAbandoned} held");

        var reader = Read();
        ReplyToAllReadIndexRequests(LogIndex.Zero);
        Assert.True((await reader.Task.WaitAsync(TimeSpan.FromSeconds(10))).IsGranted);
    }

    [Fact]
    public async Task Abandoned_reads_are_removed_while_the_state_machine_hangs()
    {
        _node.ReceiveAppendEntries();
        for (var i = 0; i < 20_000; i++)
        {
            Read().Cancel();
            ReplyToAllReadIndexRequests(new LogIndex(1));
        }

        Assert.True(_node.PendingReads.CountWithAbandoned < 100, $"{_node.PendingReads.CountWithAbandoned} held");
        var reader = Read();
        ReplyToAllReadIndexRequests(new LogIndex(1));
        Assert.False(reader.Task.IsCompleted);
        _node.PendingReads.OnApplied(new LogIndex(1));
        Assert.True((await reader.Task.WaitAsync(TimeSpan.FromSeconds(10))).IsGranted);
    }

    /// <summary>Thesis §6.4 step 3: the state machine must have applied the read index itself, not merely the entry before it.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_granted_read_waits_until_its_index_is_applied(bool grantedFirst)
    {
        _node.ReceiveAppendEntries();
        var reader = Read();
        if (grantedFirst)
            ReplyToAllReadIndexRequests(new LogIndex(5));
        for (var applied = 1UL; applied < 5; applied++)
        {
            _node.PendingReads.OnApplied(new LogIndex(applied));
            Assert.False(reader.Task.IsCompleted, $"released at {applied}");
        }

        if (!grantedFirst)
        {
            ReplyToAllReadIndexRequests(new LogIndex(5));
            Assert.False(reader.Task.IsCompleted, "released at 4");
        }

        _node.PendingReads.OnApplied(new LogIndex(5));
        Assert.True((await reader.Task.WaitAsync(TimeSpan.FromSeconds(10))).IsGranted);
    }

    [Fact]
    public void Reads_of_a_later_index_wait_longer_than_those_of_an_earlier_one()
    {
        _node.ReceiveAppendEntries();
        var later = Read();
        ReplyToAllReadIndexRequests(new LogIndex(7));
        var earlier = Read();
        ReplyToAllReadIndexRequests(new LogIndex(6));

        _node.PendingReads.OnApplied(new LogIndex(6));
        Assert.Equal((true, false), (earlier.Task.IsCompletedSuccessfully, later.Task.IsCompleted));
        _node.PendingReads.OnApplied(new LogIndex(7));
        Assert.True(later.Task.IsCompletedSuccessfully);
    }

    [Fact]
    public void The_limit_counts_pending_reads_in_every_stage()
    {
        var readers = Enumerable.Range(0, 10).Select(_ => Read()).ToArray();
        Assert.False(_node.PendingReads.TryAdd(out _));
        readers[3].Cancel();
        Read();
        Assert.False(_node.PendingReads.TryAdd(out _));
    }

    private PendingRead Read()
    {
        Assert.True(_node.PendingReads.TryAdd(out var waiter), "busy");
        _node.RunOnce();
        Assert.False(waiter.Task.IsCompleted);
        return waiter;
    }

    private void ReplyToAllReadIndexRequests(LogIndex index)
    {
        while (_node.ReadIndexRequestIds.Count > 0)
        {
            foreach (var readId in _node.ReadIndexRequestIds)
                _node.Receive(
                    new ReadIndexReply { From = new NodeId(2), Term = new Term(1), ReadId = readId, Granted = true, Index = index });
            _node.ReadIndexRequestIds.Clear();
            _node.RunOnce();
        }
    }
}
