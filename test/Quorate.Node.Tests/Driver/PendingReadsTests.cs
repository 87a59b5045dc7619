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
