using Quorate.Verification.Exploration;
using Quorate.Verification.ModelChecking;

namespace Quorate.Verification.Tests.Exploring;

/// <summary>What makes worlds smaller is held against worlds in which it is not done.</summary>
public sealed class ReductionsLoseNothing
{
    private static readonly ModelConfig[] Small =
    [
        new("three elect once") { Budget = new() { Timeouts = 1 } },
        new("two with slow disks") { Members = 2, AsyncFlush = true, Budget = new() { Timeouts = 2, Crashes = 1 } },
        new("two with a duplicate") { Members = 2, StartsWithLeader = true, AsyncFlush = true, Budget = new() { Crashes = 1, Proposals = 1, Duplicates = 1 } },
        new("two that lose each other") { Members = 2, StartsWithLeader = true, Budget = new() { Timeouts = 1, Proposals = 1, LostPeers = 1, QuorumTimeouts = 1 } },
        new("three replicate") { StartsWithLeader = true, Budget = new() { Proposals = 1, Heartbeats = 1 } },
        new("two with a late state machine") { Members = 2, StartsWithLeader = true, AsyncApply = true, Budget = new() { Timeouts = 1, Proposals = 1, Reads = 1 } },
    ];

    public static TheoryData<string> Names => [.. Small.Select(static scope => scope.Name)];

    /// <summary>There are as many classes of states that differ only in names as the symmetric search has states.</summary>
    [Theory]
    [MemberData(nameof(Names))]
    public void Merging_states_that_differ_in_names_merges_no_others(string name)
    {
        var scope = Small.Single(scope => scope.Name == name);
        var merged = BreadthFirstSearch.Run(new ClusterModel(scope));
        var all = new Met(new ClusterModel(scope));
        var unmerged = BreadthFirstSearch.Run(all);

        Assert.True(merged.IsComplete && unmerged.IsComplete);
        Assert.True(merged.Distinct <= unmerged.Distinct);
        Assert.Equal(merged.Distinct, all.Classes.Count);
    }

    /// <summary>Whatever the members can come to be, all together, they come to be without useless answers too.</summary>
    [Theory]
    [MemberData(nameof(Names))]
    public void An_answer_that_is_ignored_for_ever_may_as_well_be_lost(string name)
    {
        var scope = Small.Single(scope => scope.Name == name) with { Symmetric = false };
        var (with, without) = (new Met(new ClusterModel(scope with { PrunesIgnoredMessages = false })), new Met(new ClusterModel(scope)));
        var (more, fewer) = (BreadthFirstSearch.Run(with), BreadthFirstSearch.Run(without));

        Assert.True(more.IsComplete && fewer.IsComplete);
        Assert.True(fewer.Distinct <= more.Distinct);
        Assert.Equal(with.Clusters.Order(), without.Clusters.Order());
    }

    /// <summary>One message of a kind on a link is a bound and no reduction: it must not lead anywhere else, and leads to less.</summary>
    [Theory]
    [MemberData(nameof(Names))]
    public void Fewer_messages_on_the_way_lead_to_nothing_else(string name)
    {
        var scope = Small.Single(scope => scope.Name == name) with { Symmetric = false };
        var (many, one) = (new Met(new ClusterModel(scope)), new Met(new ClusterModel(scope with { OneInFlightPerLinkAndKind = true })));
        BreadthFirstSearch.Run(many);
        BreadthFirstSearch.Run(one);

        Assert.Subset(many.Clusters, one.Clusters);
    }

    /// <summary>The same model with every state by itself; notes the classes of states, and what the members were, all together.</summary>
    private sealed class Met(ClusterModel model) : IModel<ClusterState, ClusterAction>
    {
        public HashSet<ulong> Classes { get; } = [];

        public HashSet<ulong> Clusters { get; } = [];

        public IEnumerable<ClusterState> InitialStates => model.InitialStates;

        public void ActionsOf(ClusterState state, List<ClusterAction> actions) => model.ActionsOf(state, actions);

        public ClusterState? Next(ClusterState state, ClusterAction action) => model.Next(state, action);

        public void Check(ClusterState state) => model.Check(state);

        public ulong Fingerprint(ClusterState state, StateEncoder encoder)
        {
            Classes.Add(model.Fingerprint(state, encoder));

            encoder.Clear();
            foreach (var member in state.Members)
                encoder.Write(member.Identity);
            Clusters.Add(encoder.Hash());
            encoder.Write(state.Network.Aggregate(0UL, static (sum, message) => sum + StateEncoder.Mix(message.Identity)));
            encoder.Write(state.Ghost.Identity);
            state.Spent.Write(encoder);
            return encoder.Hash();
        }
    }
}
