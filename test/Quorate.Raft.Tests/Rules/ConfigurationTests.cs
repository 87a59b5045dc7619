namespace Quorate.Raft.Tests.Rules;

/// <summary>Who votes, and which configurations are refused.</summary>
public sealed class ConfigurationTests
{
    /// <summary>While a change is in progress, the members of both halves vote (thesis §4.3).</summary>
    [Fact]
    public void A_member_of_either_half_votes_and_a_learner_does_not()
    {
        var joint = Given.Configuration("3 4 5", outgoing: "1 2 3", learners: "6");

        Assert.Equal([1UL, 2, 3, 4, 5], joint.Members.Where(joint.IsVoter).Select(static m => m.Value));
        Assert.Equal([1UL, 2, 3, 4, 5, 6], joint.Members.Select(static m => m.Value));
        Assert.False(joint.IsVoter(Given.Node(7)));
        Assert.True(joint.IsJoint);
        Assert.False(Given.Configuration("1 2 3", learners: "4").IsJoint);
    }

    [Fact]
    public void The_order_in_which_members_are_listed_does_not_matter()
    {
        var members = Given.Configuration("3 1 2", outgoing: "5 4", learners: "7 6");

        Assert.Equal([1UL, 2, 3], members.Voters.Select(static m => m.Value));
        Assert.Equal([4UL, 5], members.Outgoing.Select(static m => m.Value));
        Assert.Equal([6UL, 7], members.Learners.Select(static m => m.Value));
    }

    [Theory]
    [InlineData("", "", "")]
    [InlineData("0 1 2", "", "")]
    [InlineData("1", "0", "")]
    [InlineData("1", "", "0")]
    [InlineData("1 2 2", "", "")]
    [InlineData("1", "2 2", "")]
    [InlineData("1", "", "2 2")]
    [InlineData("1 2", "", "2")]
    public void An_impossible_configuration_is_refused(string voters, string outgoing, string learners) =>
        Assert.Throws<ArgumentException>(() => Given.Configuration(voters, outgoing, learners));

    [Fact]
    public void A_half_has_at_most_64_voters()
    {
        var most = Enumerable.Range(1, Quorum.VotersMax).Select(static i => Given.Node((ulong)i)).ToArray();
        Assert.Equal(Quorum.VotersMax, new Configuration(most, outgoing: most).Voters.Length);

        NodeId[] tooMany = [.. most, Given.Node(Quorum.VotersMax + 1)];
        Assert.Throws<ArgumentException>(() => new Configuration(tooMany));
        Assert.Throws<ArgumentException>(() => new Configuration(most, outgoing: tooMany));
    }
}
