namespace Quorate.Raft.Tests.Rules;

/// <summary>
/// While so many voters are short of space that no quorum remains of those that are not, no member accepts commands that take more space
/// (docs/operating/disks.md). What the others accepted, the short ones would have to write.
/// </summary>
public sealed class ShortOfSpaceTests
{
    private const int HeartbeatTicks = 2;

    private TestNode[] _nodes = [];
    private DelayedCluster _cluster = null!;

    [Theory]
    [InlineData(3, 1, false)]
    [InlineData(3, 2, true)]
    [InlineData(5, 2, false)]
    [InlineData(5, 3, true)]
    [InlineData(1, 1, true)]
    public void All_members_know_when_no_quorum_of_the_voters_has_space(int size, int shortMembers, bool isQuorumShort)
    {
        Start(size);
        foreach (var node in _nodes[^shortMembers..])
            node.Step(Input.StorageHealth(node.Id.Value % 2 == 0 ? StorageHealth.LowSpace : StorageHealth.Full));
        RunForFiveHeartbeats();

        Assert.All(_nodes[..^shortMembers], node => Assert.Equal(isQuorumShort, node.Core!.IsOnlySpaceFreed));
        Assert.All(_nodes[^shortMembers..], static node => Assert.True(node.Core!.IsOnlySpaceFreed));

        foreach (var node in _nodes)
            node.Step(Input.StorageHealth(StorageHealth.Healthy));
        RunForFiveHeartbeats();
        Assert.All(_nodes, static node => Assert.False(node.Core!.IsOnlySpaceFreed));
    }

    /// <summary>A disk that hangs is not short of space; what it cannot write is bounded by other limits.</summary>
    [Fact]
    public void A_stalled_disk_is_not_short_of_space()
    {
        Start(3);
        foreach (var node in _nodes[1..])
            node.Step(Input.StorageHealth(StorageHealth.Stalled));
        RunForFiveHeartbeats();

        Assert.All(_nodes, static node => Assert.False(node.Core!.IsOnlySpaceFreed));
    }

    [Theory]
    [InlineData(StorageHealth.Healthy, false, false)]
    [InlineData(StorageHealth.LowSpace, true, false)]
    [InlineData(StorageHealth.Full, true, true)]
    [InlineData(StorageHealth.Stalled, false, true)]
    public void A_leader_knows_which_followers_are_short_of_space_and_which_cannot_write(
        StorageHealth storage, bool isShortOfSpace, bool cannotWrite)
    {
        Start(3);
        _nodes[2].Step(Input.StorageHealth(storage));
        RunForFiveHeartbeats();

        var followers = _nodes[0].Core!.Followers.ToArray();
        Assert.Equal((isShortOfSpace, cannotWrite), (followers[1].IsShortOfSpace, followers[1].CannotWrite));
        Assert.Equal((false, false), (followers[0].IsShortOfSpace, followers[0].CannotWrite));
        Assert.All(followers, static follower => Assert.InRange(follower.TicksSinceReply, 0ul, (ulong)HeartbeatTicks + 2));
    }

    /// <summary>Starts a cluster that member 1 leads.</summary>
    private void Start(int size)
    {
        var history = new RaftSafetyChecker();
        _nodes =
        [
            .. Enumerable.Range(1, size).Select(id => new TestNode(
                Given.Options((ulong)id) with { ElectionTicks = id == 1 ? 20 : 2000, HeartbeatTicks = HeartbeatTicks },
                Given.Voters(size), history)),
        ];
        foreach (var node in _nodes)
            node.Start();
        _cluster = new DelayedCluster(static (_, _) => 1, _nodes);
        _cluster.TicksUntil(200, () => _nodes[0].Core!.Role == Role.Leader);
    }

    private void RunForFiveHeartbeats()
    {
        for (var tick = 0; tick < 5 * HeartbeatTicks; tick++)
            _cluster.Tick();
    }
}
