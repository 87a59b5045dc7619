using Quorate.Node.Divergence;
using Quorate.Raft;

namespace Quorate.Node.Tests.Divergence;

/// <summary>Who is the odd one: a majority of the voters decides, for each index by itself.</summary>
public sealed class StateHashComparisonTests
{
    private const int GraceTicks = 10;
    private const ulong Right = 0xA5;
    private const ulong Wrong = 0x07;

    private readonly List<DivergenceEvent> _found = [];

    [Fact]
    public void Equal_hashes_are_no_finding()
    {
        var comparison = Compare(3);
        for (var index = 8ul; index <= 800; index += 8)
        {
            comparison.OnOwn(new LogIndex(index), index);
            Receive(comparison, 2, index, index);
            Receive(comparison, 3, index, index);
        }

        Tick(comparison, 100);
        Assert.Empty(_found);
        Assert.False(comparison.HasNoMajority);
    }

    /// <summary>The hashes of two members differ at almost any two indexes.</summary>
    [Fact]
    public void Hashes_of_different_entries_are_not_compared()
    {
        var comparison = Compare(3);
        comparison.OnOwn(new LogIndex(8), Right);
        Receive(comparison, 2, 16, Wrong);
        Receive(comparison, 3, 16, Wrong);
        Tick(comparison, 100);
        Assert.Empty(_found);
    }

    [Theory]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    public void A_member_that_differs_from_a_majority_is_the_odd_one(int size)
    {
        var comparison = Compare(size);
        comparison.OnOwn(new LogIndex(8), Wrong);
        for (var peer = 2; peer <= size / 2 + 1; peer++)
        {
            Receive(comparison, peer, 8, Right);
            Assert.Empty(_found);
        }

        Receive(comparison, size / 2 + 2, 8, Right);
        var found = Assert.Single(_found);
        Assert.Equal(new DivergenceEvent(DivergenceKind.SelfDiverges, new NodeId(1), new LogIndex(8), Wrong, Right), found);
    }

    /// <summary>A member that lags receives the hashes of the others before it has its own.</summary>
    [Fact]
    public void Hashes_that_arrive_early_are_compared_when_this_member_has_its_own()
    {
        var comparison = Compare(3);
        Receive(comparison, 2, 8, Right);
        Receive(comparison, 3, 8, Right);
        Assert.Empty(_found);
        comparison.OnOwn(new LogIndex(8), Wrong);
        Assert.Equal(DivergenceKind.SelfDiverges, Assert.Single(_found).Kind);
    }

    [Fact]
    public void A_peer_that_differs_from_a_majority_is_named_once_and_until_it_agrees_again()
    {
        var comparison = Compare(3);
        foreach (var index in new ulong[] { 8, 16 })
        {
            comparison.OnOwn(new LogIndex(index), Right);
            Receive(comparison, 3, index, Wrong);
            Receive(comparison, 2, index, Right);
        }

        Assert.Equal(
            new DivergenceEvent(DivergenceKind.PeerDiverges, new NodeId(3), new LogIndex(8), Right, Wrong), Assert.Single(_found));
        Assert.Equal([new NodeId(3)], comparison.Diverging);

        comparison.OnOwn(new LogIndex(24), Right);
        Receive(comparison, 2, 24, Right);
        Receive(comparison, 3, 24, Right);
        Assert.Equal(DivergenceKind.PeerAgrees, _found[^1].Kind);
        Assert.Empty(comparison.Diverging);
    }

    /// <summary>Nothing shows who is right: no member may be taken out.</summary>
    [Fact]
    public void Two_members_that_differ_raise_an_alarm_and_quarantine_no_member()
    {
        var comparison = Compare(2);
        comparison.OnOwn(new LogIndex(8), Wrong);
        Receive(comparison, 2, 8, Right);
        Assert.Equal(DivergenceKind.NoMajority, Assert.Single(_found).Kind);
        Assert.True(comparison.HasNoMajority);
    }

    [Fact]
    public void A_difference_waits_for_the_other_voters_before_it_is_an_alarm()
    {
        var comparison = Compare(3);
        comparison.OnOwn(new LogIndex(8), Right);
        Receive(comparison, 2, 8, Wrong);
        Tick(comparison, GraceTicks - 1);
        Assert.Empty(_found);
        Tick(comparison, 1);
        Assert.Equal(DivergenceKind.NoMajority, Assert.Single(_found).Kind);

        Receive(comparison, 3, 8, Right);
        Assert.Equal(
            [DivergenceKind.NoMajority, DivergenceKind.MajorityAgrees, DivergenceKind.PeerDiverges], _found.Select(static e => e.Kind));
        Assert.False(comparison.HasNoMajority);
    }

    [Fact]
    public void A_majority_that_is_found_in_time_raises_no_alarm()
    {
        var comparison = Compare(3);
        comparison.OnOwn(new LogIndex(8), Right);
        Receive(comparison, 2, 8, Wrong);
        Tick(comparison, GraceTicks - 1);
        Receive(comparison, 3, 8, Right);
        Tick(comparison, 100);
        Assert.Equal(DivergenceKind.PeerDiverges, Assert.Single(_found).Kind);
    }

    /// <summary>A learner has no vote about what is right, and is compared all the same.</summary>
    [Fact]
    public void A_learner_does_not_count_for_the_majority()
    {
        var comparison = new StateHashComparison(
            new NodeId(1), new Configuration([new NodeId(1), new NodeId(2)], learners: [new NodeId(3)]), GraceTicks, _found.Add);
        comparison.OnOwn(new LogIndex(8), Right);
        Receive(comparison, 3, 8, Wrong);
        Receive(comparison, 2, 8, Right);
        Assert.Equal((DivergenceKind.PeerDiverges, new NodeId(3)), (_found[0].Kind, Assert.Single(_found).Peer));
    }

    /// <summary>A member may send anything, and a program that is no member too.</summary>
    [Fact]
    public void Only_the_newest_hashes_of_members_are_kept()
    {
        var comparison = Compare(3);
        Receive(comparison, 9, 8, Wrong);
        Receive(comparison, 1, 8, Wrong);
        for (var index = 1ul; index <= RecentHashes.Max + 1; index++)
            Receive(comparison, 2, index, Wrong);
        Receive(comparison, 3, 1, Wrong);
        comparison.OnOwn(new LogIndex(1), Right);
        Assert.Empty(_found);
    }

    private StateHashComparison Compare(int size) => new(
        new NodeId(1), new Configuration(Enumerable.Range(1, size).Select(static id => new NodeId((ulong)id))), GraceTicks, _found.Add);

    private static void Receive(StateHashComparison comparison, int peer, ulong index, ulong hash) =>
        comparison.OnReceived(new NodeId((ulong)peer), new LogIndex(index), hash);

    private static void Tick(StateHashComparison comparison, int ticks)
    {
        for (; ticks > 0; ticks--)
            comparison.OnTick();
    }
}
