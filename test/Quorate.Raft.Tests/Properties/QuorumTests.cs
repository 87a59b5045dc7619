using CsCheck;

namespace Quorate.Raft.Tests.Properties;

/// <summary>Quorum arithmetic against plain counting; sizes 1 to 7, plain and joint.</summary>
public sealed class QuorumTests
{
    private static readonly Gen<ulong[]> Half =
        Gen.Int[1, 7].SelectMany(size => Gen.Shuffle(new ulong[] { 1, 2, 3, 4, 5, 6, 7, 8, 9 }, size));

    private static readonly Gen<Configuration> Members =
        Gen.Select(Half, Half, Gen.Bool, (voters, outgoing, joint) =>
            new Configuration(voters.Select(Given.Node), joint ? outgoing.Select(Given.Node) : null));

    [Fact]
    public void Quorum_value_is_the_greatest_reached_by_a_majority_of_each_half() =>
        Gen.Select(Members, Gen.ULong[0, 12].Array[10]).Sample((members, values) =>
        {
            var expected = Enumerable.Range(0, 13).Select(v => (ulong)v).Last(v =>
                Halves(members).All(half => 2 * half.Count(n => values[n.Value] >= v) > half.Length));
            Assert.Equal(expected, Quorum.Reached(members, new Values(values)));
        });

    [Fact]
    public void An_election_result_matches_counting_the_votes() =>
        Gen.Select(Members, Gen.Int[0, 2].Array[10]).Sample((members, ballots) =>
        {
            var votes = Enumerable.Range(1, 9).Where(n => ballots[n] != 2).ToDictionary(n => Given.Node((ulong)n), n => ballots[n] == 1);
            var won = Halves(members).All(half => 2 * half.Count(n => ballots[n.Value] == 1) > half.Length);
            var canBeWon = Halves(members).All(half => 2 * half.Count(n => ballots[n.Value] != 0) > half.Length);
            Assert.Equal(won ? VoteResult.Won : canBeWon ? VoteResult.Pending : VoteResult.Lost, Quorum.Tally(members, votes));
        });

    /// <summary>Any two quorums of one configuration share a member; all of Raft depends on this.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    [InlineData(7)]
    public void Two_quorums_always_intersect(int size)
    {
        Assert.True(2 * Quorum.Majority(size) > size);
        Assert.True(2 * (Quorum.Majority(size) - 1) <= size, "a majority is not larger than necessary");
    }

    private static IEnumerable<NodeId[]> Halves(Configuration members) =>
        members.IsJoint ? [[.. members.Voters], [.. members.Outgoing]] : [[.. members.Voters]];

    private readonly struct Values(ulong[] values) : IVoterValues
    {
        public ulong Of(NodeId voter) => values[voter.Value];
    }
}
