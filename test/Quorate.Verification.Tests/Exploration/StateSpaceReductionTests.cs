using Quorate.Verification.Exploration;
using Quorate.Verification.ModelChecking;

namespace Quorate.Verification.Tests.Exploration;

/// <summary>Each state-space reduction of the explorer is compared with an exploration without it.</summary>
public sealed class StateSpaceReductionTests
{
    private static readonly ModelConfig[] SmallConfigurations =
    [
        new("three elect once") { Budget = new() { Timeouts = 1 } },
        new("two with slow disks") { Membership = ModelConfig.Voters(2), AsyncFlush = true, Budget = new() { Timeouts = 2, Crashes = 1 } },
        new("two with a duplicate")
        {
            Membership = ModelConfig.Voters(2),
            StartsWithLeader = true, AsyncFlush = true, Budget = new() { Crashes = 1, Proposals = 1, Duplicates = 1 }
        },
        new("two that lose connections")
        {
            Membership = ModelConfig.Voters(2),
            StartsWithLeader = true, Budget = new() { Timeouts = 1, Proposals = 1, LostPeers = 1, QuorumTimeouts = 1 }
        },
        new("three replicate") { StartsWithLeader = true, Budget = new() { Proposals = 1, Heartbeats = 1 } },
        new("two with a late state machine")
        {
            Membership = ModelConfig.Voters(2),
            StartsWithLeader = true, AsyncApply = true, Budget = new() { Timeouts = 1, Proposals = 1, Reads = 1 }
        },
    ];

    public static TheoryData<string> Names => [.. SmallConfigurations.Select(static config => config.Name)];

    /// <summary>
    /// The symmetric search has as many states as there are classes of states that differ only by a permutation of the members.
    /// </summary>
    [Theory]
    [MemberData(nameof(Names))]
    public void Symmetry_reduction_merges_only_states_equal_under_a_permutation(string name)
    {
        var config = SmallConfigurations.Single(config => config.Name == name);
        var merged = BreadthFirstSearch.Run(new ClusterModel(config));
        var all = new UnmergedModel(new ClusterModel(config));
        var unmerged = BreadthFirstSearch.Run(all);

        Assert.True(merged.IsComplete && unmerged.IsComplete);
        Assert.True(merged.Distinct <= unmerged.Distinct);
        Assert.Equal(merged.Distinct, all.SymmetryClasses.Count);
    }

    /// <summary>
    /// Every joint state of all members that is reachable with ignored replies in the network is also reachable without them.
    /// </summary>
    [Theory]
    [MemberData(nameof(Names))]
    public void Dropping_ignored_replies_loses_no_cluster_state(string name)
    {
        var config = SmallConfigurations.Single(config => config.Name == name) with { Symmetric = false };
        var with = new UnmergedModel(new ClusterModel(config with { PrunesIgnoredMessages = false }));
        var without = new UnmergedModel(new ClusterModel(config));
        var (more, fewer) = (BreadthFirstSearch.Run(with), BreadthFirstSearch.Run(without));

        Assert.True(more.IsComplete && fewer.IsComplete);
        Assert.True(fewer.Distinct <= more.Distinct);
        Assert.Equal(with.ClusterStates.Order(), without.ClusterStates.Order());
    }

    /// <summary>
    /// One message of a type in flight on a link is a bound and not a reduction: it reaches fewer states, but no other ones.
    /// </summary>
    [Theory]
    [MemberData(nameof(Names))]
    public void Limiting_messages_in_flight_to_one_loses_no_cluster_state(string name)
    {
        var config = SmallConfigurations.Single(config => config.Name == name) with { Symmetric = false };
        var many = new UnmergedModel(new ClusterModel(config));
        var one = new UnmergedModel(new ClusterModel(config with { OneInFlightPerLinkAndKind = true }));
        BreadthFirstSearch.Run(many);
        BreadthFirstSearch.Run(one);

        Assert.Subset(many.ClusterStates, one.ClusterStates);
    }

    /// <summary>
    /// The same model without merging of symmetric states; collects the symmetry classes and the joint states of all members.
    /// </summary>
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
