using Quorate.Node.Storage;
using Quorate.Node.Tests.Storage;
using Quorate.Node.Transport;
using Quorate.Node.Versions;
using Quorate.Raft;

namespace Quorate.Node.Tests.Versions;

/// <summary>docs/operating/upgrade.md: a cluster has the version of its lowest member, and it never falls.</summary>
public sealed class ClusterVersionProposerTests
{
    private static readonly ClusterVersion V01 = new(0, 1);
    private static readonly ClusterVersion V02 = new(0, 2);

    [Theory]
    [InlineData("0.1", "0.2 0.2 0.2", "0.2")]
    [InlineData("0.1", "0.3 0.2 0.4", "0.2")]
    [InlineData("0.1", "0.2 0.1 0.2", null)] // the lowest member decides
    [InlineData("0.1", "0.2 0.2 ?", null)] // it may be any build when it returns
    [InlineData("0.2", "0.2 0.2 0.2", null)]
    [InlineData("0.3", "0.2 0.3 0.3", null)] // never lower
    [InlineData("0.9", "1.0", "1.0")]
    public void The_lowest_member_decides(string current, string members, string? expected) => Assert.Equal(
        expected,
        ClusterVersionProposer.Decide(Parse(current)!.Value, [.. members.Split(' ').Select(Parse)])?.ToString());

    [Fact]
    public void Only_a_leader_that_is_connected_with_all_members_proposes_and_only_once()
    {
        var features = new ClusterFeatures(
            IdentityFile.Open(new MemoryStorage(), 1, new NodeId(1), Members(), versionMax: V01), V02);
        var counters = new List<PeerCounters> { Peer(2, V02), Peer(3, V02) with { Connected = false } };
        var proposer = new ClusterVersionProposer(
            features, () => new TransportCounters { Peers = counters }, intervalTicks: 1);
        proposer.SetMembers(Members().Members);
        var core = Leader(Members());

        Assert.Null(proposer.OnTick(core));
        counters[1] = counters[1] with { Connected = true };
        Assert.Equal(VersionAt.Encode(V02), proposer.OnTick(core));
        Assert.Null(proposer.OnTick(core));

        features.Record(new VersionAt(V02, new LogIndex(9)));
        proposer = new ClusterVersionProposer(features, () => new TransportCounters { Peers = counters }, intervalTicks: 1);
        proposer.SetMembers(Members().Members);
        Assert.Null(proposer.OnTick(core));
    }

    [Fact]
    public void A_follower_proposes_nothing()
    {
        var features = new ClusterFeatures(
            IdentityFile.Open(new MemoryStorage(), 1, new NodeId(1), Members(), versionMax: V01), V02);
        var proposer = new ClusterVersionProposer(
            features, () => new TransportCounters { Peers = [Peer(2, V02), Peer(3, V02)] }, intervalTicks: 1);
        proposer.SetMembers(Members().Members);

        var core = new RaftCore(new RaftOptions { Self = new NodeId(1) }, new DurableState { Configuration = Members() });

        Assert.Null(proposer.OnTick(core));
    }

    [Fact]
    public void Every_feature_has_a_version_that_this_build_supports()
    {
        foreach (var feature in Enum.GetValues<Feature>())
        {
            Assert.True(FeatureTable.IntroducedIn(feature) <= ClusterVersion.Current);
            Assert.False(FeatureTable.IsEnabled(feature, V01));
            Assert.True(FeatureTable.IsEnabled(feature, ClusterVersion.Current));
        }
    }

    [Fact]
    public void A_member_stops_when_the_cluster_has_a_version_that_it_does_not_support()
    {
        var features = new ClusterFeatures(
            IdentityFile.Open(new MemoryStorage(), 1, new NodeId(1), Members(), versionMax: V01), V01);

        var error = Assert.Throws<StorageVersionException>(() => features.Record(new VersionAt(V02, new LogIndex(1))));

        Assert.Contains("The cluster now has version 0.2, and this member supports versions up to 0.1", error.Message,
            StringComparison.Ordinal);
        Assert.Equal(V01, features.Current.Version);
    }

    private static Configuration Members() => new([new NodeId(1), new NodeId(2), new NodeId(3)]);

    private static PeerCounters Peer(ulong id, ClusterVersion version) =>
        new() { Peer = new NodeId(id), Connected = true, Version = version };

    private static ClusterVersion? Parse(string text) => ClusterVersion.TryParse(text, out var version) ? version : null;

    /// <summary>Member 1, elected by the votes of member 2.</summary>
    private static RaftCore Leader(Configuration members)
    {
        var core = new RaftCore(new RaftOptions { Self = new NodeId(1), Seed = 1 }, new DurableState { Configuration = members });
        var effects = new Effects();
        for (var step = 0; core.Role != Role.Leader && step < 10_000; step++)
        {
            core.Step(Input.Tick, effects);
            var votes = effects.SendNow.Messages.Concat(effects.SendWhenDurable.Messages).OfType<RequestVote>()
                .Where(static vote => vote.To == new NodeId(2)).Select(static vote => (vote.Term, vote.PreVote)).ToList();
            if (!effects.Append.IsEmpty)
                core.Step(Input.Durable(effects.Append.Token), effects);
            while (votes.Count > 0)
            {
                var (term, preVote) = votes[0];
                votes.RemoveAt(0);
                core.Step(
                    Input.Received(new RequestVoteReply
                    {
                        From = new NodeId(2), To = new NodeId(1), Term = term, PreVote = preVote, Granted = true,
                    }),
                    effects);
                votes.AddRange(effects.SendNow.Messages.Concat(effects.SendWhenDurable.Messages).OfType<RequestVote>()
                    .Where(static vote => vote.To == new NodeId(2)).Select(static vote => (vote.Term, vote.PreVote)));
                if (!effects.Append.IsEmpty)
                    core.Step(Input.Durable(effects.Append.Token), effects);
            }
        }

        Assert.Equal(Role.Leader, core.Role);
        return core;
    }
}
