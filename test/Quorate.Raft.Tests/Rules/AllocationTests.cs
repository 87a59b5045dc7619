namespace Quorate.Raft.Tests.Rules;

/// <summary>An iteration in the steady state allocates nothing. bench/Quorate.Benchmarks/Raft measures how long iterations take.</summary>
public sealed class AllocationTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(64)]
    public void A_leader_iteration_allocates_nothing(int batch)
    {
        var effects = new Effects();
        var leader = Given.Leader(id: 1, term: 2, settled: true, options: Given.Options(1) with { MaxCachedBytes = 100_000 }).Core!;
        var reply = Given.Accepted(from: 2, to: 1, term: 2, index: 1);
        var proposals = new Proposal[batch];
        var payload = new byte[64];
        ulong sequence = 0;

        AssertNothingAllocated(() =>
        {
            for (var i = 0; i < batch; i++)
                proposals[i] = new Proposal(new ProposalId(leader.Self, ++sequence), payload);
            leader.Step(Input.Propose(proposals), effects);
            var token = effects.Append.Token;
            leader.Step(Input.Read(sequence), effects);
            leader.Step(Input.EndOfIteration, effects);
            reply.Round = ((AppendEntries)effects.SendNow.Messages[0]).Round;
            leader.Step(Input.Durable(token), effects);
            for (ulong peer = 2; peer <= 3; peer++)
            {
                reply.From = Given.Node(peer);
                reply.Index = leader.LastIndex;
                leader.Step(Input.Received(reply), effects);
            }

            leader.Step(Input.Applied(leader.CommitIndex), effects);
            leader.Step(Input.EndOfIteration, effects);
            leader.Step(Input.Tick, effects);
        });
        Assert.Equal(leader.LastIndex, leader.CommitIndex);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(64)]
    public void A_follower_iteration_allocates_nothing(int batch)
    {
        var effects = new Effects();
        var follower = Given.Follower(id: 2, term: 2, leader: 1, options: Given.Options(2) with { MaxCachedBytes = 100_000 }).Core!;
        var append = Given.Heartbeat(from: 1, to: 2, term: 2);
        var entries = new LogEntry[batch];
        var payload = new byte[64];
        append.Entries = entries;

        AssertNothingAllocated(() =>
        {
            for (var i = 0; i < batch; i++)
                entries[i] = new LogEntry(
                    new EntryId(new Term(2), follower.LastIndex + i + 1), EntryKind.Command, new ProposalId(Given.Node(1), 1), payload);
            AppendAndApply(follower, append, effects);
        });
        Assert.Equal(follower.LastIndex, follower.CommitIndex);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(64)]
    public void A_forwarding_follower_allocates_nothing(int batch)
    {
        var effects = new Effects();
        var follower = Given.Follower(id: 2, term: 2, leader: 1, options: Given.Options(2) with { MaxCachedBytes = 100_000 }).Core!;
        var append = Given.Heartbeat(from: 1, to: 2, term: 2);
        var (proposals, entries) = (new Proposal[batch], new LogEntry[batch]);
        var payload = new byte[64];
        ulong sequence = 0;
        append.Entries = entries;

        AssertNothingAllocated(() =>
        {
            for (var i = 0; i < batch; i++)
                proposals[i] = new Proposal(new ProposalId(follower.Self, ++sequence), payload);
            follower.Step(Input.Propose(proposals), effects);
            follower.Step(Input.EndOfIteration, effects);
            for (var i = 0; i < batch; i++)
                entries[i] = new LogEntry(
                    new EntryId(new Term(2), follower.LastIndex + i + 1), EntryKind.Command, proposals[i].Id, payload);
            AppendAndApply(follower, append, effects);
        });
        Assert.Equal(sequence, follower.CommitIndex.Value);
    }

    [Fact]
    public void A_leader_that_confirms_reads_allocates_nothing()
    {
        var effects = new Effects();
        var leader = Given.Leader(id: 1, term: 2, settled: true).Core!;
        var reply = Given.Accepted(from: 2, to: 1, term: 2, index: 1);
        var request = Given.ReadRequest(from: 3, to: 1, term: 2, readId: 1);
        var granted = 0UL;

        AssertNothingAllocated(() =>
        {
            leader.Step(Input.Read(++reply.Round), effects);
            leader.Step(Input.Received(request), effects);
            leader.Step(Input.EndOfIteration, effects);
            leader.Step(Input.Received(reply), effects);
            granted += effects.ReadResults.Count == 1 && effects.SendNow.Messages.Count == 1 ? 1UL : 0;
        });
        Assert.Equal(reply.Round, granted);
    }

    [Fact]
    public void A_follower_that_forwards_reads_allocates_nothing()
    {
        var effects = new Effects();
        var follower = Given.Follower(id: 2, term: 2, leader: 1).Core!;
        var reply = new ReadIndexReply { From = Given.Node(1), To = Given.Node(2), Term = new Term(2), Granted = true };
        var (ticket, granted) = (0UL, 0UL);

        AssertNothingAllocated(() =>
        {
            follower.Step(Input.Read(++ticket), effects);
            follower.Step(Input.EndOfIteration, effects);
            reply.ReadId = ((ReadIndexRequest)effects.SendNow.Messages[0]).ReadId;
            follower.Step(Input.Received(reply), effects);
            granted += (ulong)effects.ReadResults.Count;
        });
        Assert.Equal(ticket, granted);
    }

    /// <summary>Appends the message's entries after the follower's last entry, commits them and applies them.</summary>
    private static void AppendAndApply(RaftCore follower, AppendEntries append, Effects effects)
    {
        append.Previous = new EntryId(follower.LastTerm, follower.LastIndex);
        append.LeaderCommit = append.LastIndex;
        follower.Step(Input.Received(append), effects);
        follower.Step(Input.Durable(effects.Append.Token), effects);
        follower.Step(Input.Applied(follower.CommitIndex), effects);
        follower.Step(Input.EndOfIteration, effects);
        follower.Step(Input.Tick, effects);
    }

    /// <summary>
    /// Asserts that the iteration allocates nothing, after enough repetitions for every list and cache to have its final size.
    /// </summary>
    private static void AssertNothingAllocated(Action iteration)
    {
        for (var i = 0; i < 3000; i++)
            iteration();
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++)
            iteration();
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }
}
