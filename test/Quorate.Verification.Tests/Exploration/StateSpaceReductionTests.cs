using Quorate.Verification.Exploration;
using Quorate.Verification.ModelChecking;

namespace Quorate.Verification.Tests.Exploration;

/// <summary>What makes worlds smaller is held against worlds in which it is not done.</summary>
public sealed class StateSpaceReductionTests
{
    private static readonly ModelConfig[] SmallConfigurations =
    [
        new("three elect once") { Budget = new() { Timeouts = 1 } },
        new("two with slow disks") { Members = 2, AsyncFlush = true, Budget = new() { Timeouts = 2, Crashes = 1 } },
        new("two with a duplicate") { Members = 2, StartsWithLeader = true, AsyncFlush = true, Budget = new() { Crashes = 1, Proposals = 1, Duplicates = 1 } },
        new("two that lose each other") { Members = 2, StartsWithLeader = true, Budget = new() { Timeouts = 1, Proposals = 1, LostPeers = 1, QuorumTimeouts = 1 } },
        new("three replicate") { StartsWithLeader = true, Budget = new() { Proposals = 1, Heartbeats = 1 } },
        new("two with a late state machine") { Members = 2, StartsWithLeader = true, AsyncApply = true, Budget = new() { Timeouts = 1, Proposals = 1, Reads = 1 } },
    ];

    public static TheoryData<string> Names => [.. SmallConfigurations.Select(static scope => scope.Name)];

    /// <summary>There are as many classes of states that differ only in names as the symmetric search has states.</summary>
    [Theory]
    [MemberData(nameof(Names))]
    public void Symmetry_merges_only_states_that_differ_in_names(string name)
    {
        var scope = SmallConfigurations.Single(scope => scope.Name == name);
        var merged = BreadthFirstSearch.Run(new ClusterModel(scope));
        var all = new UnmergedModel(new ClusterModel(scope));
        var unmerged = BreadthFirstSearch.Run(all);

        Assert.True(merged.IsComplete && unmerged.IsComplete);
        Assert.True(merged.Distinct <= unmerged.Distinct);
        Assert.Equal(merged.Distinct, all.SymmetryClasses.Count);
    }

    /// <summary>Whatever the members can come to be, all together, they come to be without useless answers too.</summary>
    [Theory]
    [MemberData(nameof(Names))]
    public void Dropping_ignored_replies_loses_no_cluster_state(string name)
    {
        var scope = SmallConfigurations.Single(scope => scope.Name == name) with { Symmetric = false };
        var (with, without) = (new UnmergedModel(new ClusterModel(scope with { PrunesIgnoredMessages = false })), new UnmergedModel(new ClusterModel(scope)));
        var (more, fewer) = (BreadthFirstSearch.Run(with), BreadthFirstSearch.Run(without));

        Assert.True(more.IsComplete && fewer.IsComplete);
        Assert.True(fewer.Distinct <= more.Distinct);
        Assert.Equal(with.ClusterStates.Order(), without.ClusterStates.Order());
    }

    /// <summary>One message of a kind on a link is a bound and no reduction: it must not lead anywhere else, and leads to less.</summary>
    [Theory]
    [MemberData(nameof(Names))]
    public void One_message_in_flight_reaches_no_new_cluster_state(string name)
    {
        var scope = SmallConfigurations.Single(scope => scope.Name == name) with { Symmetric = false };
        var (many, one) = (new UnmergedModel(new ClusterModel(scope)), new UnmergedModel(new ClusterModel(scope with { OneInFlightPerLinkAndKind = true })));
        BreadthFirstSearch.Run(many);
        BreadthFirstSearch.Run(one);

        Assert.Subset(many.ClusterStates, one.ClusterStates);
    }

    /// <summary>The same model with every state by itself; notes the classes of states, and what the members were, all together.</summary>
    private sealed class UnmergedModel(ClusterModel model) : IModel<ClusterState, ClusterAction>
    {
        public HashSet<ulong> SymmetryClasses { get; } = [];

        public HashSet<ulong> ClusterStates { get; } = [];

        public IEnumerable<ClusterState> InitialStates => model.InitialStates;

        public void ActionsOf(ClusterState state, List<ClusterAction> actions) => model.ActionsOf(state, actions);

        public ClusterState? Next(ClusterState state, ClusterAction action) => model.Next(state, action);

        public void Check(ClusterState state) => model.Check(state);

        public ulong Fingerprint(ClusterState state, StateEncoder encoder)
        {
            SymmetryClasses.Add(model.Fingerprint(state, encoder));

            encoder.Clear();
            foreach (var member in state.Members)
                encoder.Write(member.Identity);
            ClusterStates.Add(encoder.Hash());
            encoder.Write(state.Network.Aggregate(0UL, static (sum, message) => sum + StateEncoder.Mix(message.Identity)));
            encoder.Write(state.Ghost.Identity);
            state.Spent.Write(encoder);
            return encoder.Hash();
        }
    }
}
