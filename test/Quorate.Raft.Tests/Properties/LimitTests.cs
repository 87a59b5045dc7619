namespace Quorate.Raft.Tests.Properties;

/// <summary>
/// What is settled no longer counts towards a limit: after many times its limit a node accepts as much as at the start, however the
/// requests were settled. A counter that is not given back on one of these ways shows here, and otherwise only after days.
/// </summary>
public sealed class LimitTests
{
    private const int Repetitions = 6;

    private static readonly RaftOptions Options = Given.Options() with
    {
        MaxMessageBytes = 1024,
        MaxCommandBytes = 512,
        MaxUncommittedBytes = 4096,
        MaxInflightMessages = 4,
        MaxInflightBytes = 4096,
        MaxPendingReads = 5,
    };

    private ulong _sequence;

    [Fact]
    public void A_leader_accepts_as_many_proposals_of_its_clients_once_earlier_ones_are_applied()
    {
        var leader = Given.Leader(id: 1, term: 2, settled: true, options: Options);
        AssertGivenBack(() => Propose(leader), () =>
        {
            Commit(leader);
            leader.Apply();
        });
    }

    [Fact]
    public void A_leader_accepts_as_many_forwarded_proposals_once_earlier_ones_are_committed()
    {
        var leader = Given.Leader(id: 1, term: 2, settled: true, options: Options);
        AssertGivenBack(
            () =>
            {
                leader.Outbox.Clear();
                for (var accepted = 0; ; accepted++)
                {
                    leader.Receive(Given.Forward(from: 2, to: 1, term: 2, ++_sequence));
                    if (leader.Take<RejectProposals>().Count > 0)
                        return accepted;
                }
            },
            () => Commit(leader));
    }

    [Fact]
    public void A_follower_accepts_as_many_proposals_once_earlier_ones_are_withdrawn()
    {
        var follower = Given.Follower(id: 2, term: 2, leader: 1, options: Options with { Self = Given.Node(2) });
        AssertGivenBack(() => Propose(follower), () => Withdraw(follower));
    }

    [Fact]
    public void A_follower_accepts_as_many_proposals_once_earlier_ones_are_rejected()
    {
        var follower = Given.Follower(id: 2, term: 2, leader: 1, options: Options with { Self = Given.Node(2) });
        var settled = 0UL;
        AssertGivenBack(() => Propose(follower), () =>
        {
            follower.EndIteration();
            follower.Receive(Given.ProposalRejection(from: 1, to: 2, term: 2, first: settled + 1, last: _sequence));
            settled = _sequence;
        });
    }

    /// <summary>A later term ends all forwarded proposals, and its first committed entry supersedes those that are still pending.</summary>
    [Fact]
    public void A_follower_accepts_as_many_proposals_once_earlier_ones_are_superseded()
    {
        var follower = Given.Follower(id: 2, term: 2, leader: 1, options: Options with { Self = Given.Node(2) });
        var (term, last) = (2UL, (Term: 0UL, Index: 0UL));
        AssertGivenBack(() => Propose(follower), () =>
        {
            follower.EndIteration();
            var leader = ++term % 2 == 0 ? 1UL : 3UL;
            var next = (term, last.Index + 1);
            follower.Receive(Given.Append(from: leader, to: 2, term, previous: last, entries: [term]));
            follower.Receive(Given.Heartbeat(from: leader, to: 2, term, previous: next, commit: next.Item2));
            follower.Flush();
            follower.Apply();
            last = next;
        });
    }

    /// <summary>Each leader replaces the entries of the one before; entries that are gone are not waited for.</summary>
    [Fact]
    public void A_follower_accepts_as_many_proposals_once_uncommitted_entries_are_replaced()
    {
        var follower = Given.Follower(id: 2, term: 2, log: [1], leader: 1, options: Options with { Self = Given.Node(2) });
        var term = 2UL;
        void Replace()
        {
            Withdraw(follower);
            for (var i = 0; i < 30; i++)
            {
                var leader = ++term % 2 == 0 ? 1UL : 3UL;
                follower.Receive(Given.Append(from: leader, to: 2, term, previous: (1, 1), entries: [term, term, term, term, term, term]));
                follower.Flush();
            }
        }

        Replace();
        AssertGivenBack(() => Propose(follower), Replace);
    }

    [Fact]
    public void A_leader_accepts_as_many_reads_once_earlier_ones_are_confirmed()
    {
        var leader = Given.Leader(id: 1, term: 2, settled: true, options: Options);
        var round = 0UL;
        AssertGivenBack(() => Read(leader), () =>
        {
            leader.EndIteration();
            leader.Receive(Given.Accepted(from: 2, to: 1, term: 2, index: 1, round: ++round));
        });
    }

    [Fact]
    public void A_follower_accepts_as_many_reads_once_earlier_ones_are_granted()
    {
        var follower = Given.Follower(id: 2, term: 2, leader: 1, options: Options with { Self = Given.Node(2) });
        AssertGivenBack(() => Read(follower), () =>
        {
            follower.EndIteration();
            foreach (var request in follower.Take<ReadIndexRequest>())
            {
                follower.Receive(new ReadIndexReply
                {
                    From = Given.Node(1), To = Given.Node(2), Term = new Term(2), ReadId = request.ReadId, Granted = true,
                });
            }
        });
    }

    /// <summary>What is in flight to a follower ends by an acknowledgement, by a rejection, or with the connection.</summary>
    [Theory]
    [InlineData("acknowledged")]
    [InlineData("rejected")]
    [InlineData("connection lost")]
    public void A_leader_sends_a_follower_as_many_messages_once_earlier_ones_are_settled(string end)
    {
        var leader = Given.Leader(id: 1, term: 2, settled: true, options: Options);
        AssertGivenBack(
            () =>
            {
                for (var sent = 0; ; sent++)
                {
                    leader.Outbox.Clear();
                    leader.Propose(++_sequence);
                    leader.EndIteration();
                    var last = leader.Core!.LastIndex.Value;
                    if (!leader.Take<AppendEntries>().Exists(m => m.To == Given.Node(2) && !m.Entries.IsEmpty))
                        return sent;
                    leader.Flush();
                    leader.Receive(Given.Accepted(from: 3, to: 1, term: 2, last));
                    leader.Apply();
                }
            },
            () =>
            {
                var (_, _, match, next) = leader.Core!.Followers.First();
                if (end == "rejected")
                    leader.Receive(Given.Rejected(from: 2, to: 1, term: 2, next.Value - 1, hint: (2, match.Value)));
                else if (end == "connection lost")
                    leader.Step(Input.PeerLost(Given.Node(2)));
                leader.EndIteration();
                Commit(leader);
                leader.Apply();
                leader.EndIteration();
                Assert.True(leader.Core.IsSettled);
            });
    }

    private static void AssertGivenBack(Func<int> fill, Action settle)
    {
        var first = fill();
        Assert.True(first > 0);
        for (var i = 0; i < Repetitions; i++)
        {
            settle();
            Assert.Equal(first, fill());
        }
    }

    /// <summary>Proposes until a proposal is rejected as Busy; returns how many were accepted.</summary>
    private int Propose(TestNode node)
    {
        for (var accepted = 0; ; accepted++)
        {
            var rejections = node.Propose(++_sequence).Rejections;
            if (rejections.Count == 0)
                continue;
            Assert.Equal(RejectReason.Busy, rejections.Single().Reason);
            return accepted;
        }
    }

    private int Read(TestNode node)
    {
        for (var accepted = 0; ; accepted++)
        {
            if (node.Read(++_sequence).ReadResults.Exists(static r => r.RejectReason == RejectReason.Busy))
                return accepted;
        }
    }

    private void Withdraw(TestNode node)
    {
        for (var sequence = 1UL; sequence <= _sequence; sequence++)
            node.Step(Input.Withdraw(sequence));
    }

    private static void Commit(TestNode leader)
    {
        leader.EndIteration();
        leader.Flush();
        foreach (ulong follower in new[] { 2, 3 })
            leader.Receive(Given.Accepted(follower, to: 1, leader.Core!.Term.Value, leader.Core.LastIndex.Value));
    }
}
