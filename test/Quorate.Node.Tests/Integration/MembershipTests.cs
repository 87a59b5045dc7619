using Quorate.Raft;

namespace Quorate.Node.Tests.Integration;

/// <summary>Changes of the members of a running cluster, on real sockets and files.</summary>
public sealed class MembershipTests : IAsyncDisposable
{
    private readonly CancellationTokenSource _deadline = new(TimeSpan.FromSeconds(60));
    private readonly TestCluster _cluster = TestCluster.Stopped(6, takesSnapshots: true);

    public async ValueTask DisposeAsync()
    {
        await _cluster.DisposeAsync();
        _deadline.Dispose();
    }

    [Fact]
    public async Task Members_are_bound_to_their_data_directories_soon_after_the_start()
    {
        await StartAsync(3);
        await TestCluster.WaitUntilAsync(() => _cluster.Running.All(static n =>
            n.Node.CommittedConfiguration.Configuration.Details.All(static member => member.Directory != DirectoryId.None)));
    }

    [Fact]
    public async Task A_learner_joins_catches_up_and_is_promoted()
    {
        await StartAsync(3);
        await AddNumbersAsync(1, 100);
        await JoinAsync(4);

        await AddNumbersAsync(101, 10);
        var expected = _cluster[1].StateMachine.Numbers;
        await TestCluster.WaitUntilAsync(() => _cluster[4].StateMachine.Numbers.AsSpan().SequenceEqual(expected));
        Assert.Equal("(1 2 3 4)", _cluster[4].Node.CommittedConfiguration.Configuration.ToString());
    }

    [Fact]
    public async Task A_follower_forwards_a_change_to_the_leader()
    {
        await StartAsync(3);
        var leader = await _cluster.LeaderAsync();
        var follower = _cluster.Running.First(n => n.Number != leader.Number);
        var result = await ChangeAsync(follower, MemberChange.AddLearner(Id(4), Address(4)));
        Assert.Equal([Id(4)], result.Result.Configuration.Learners);
    }

    [Fact]
    public async Task A_refused_change_states_its_reason()
    {
        await StartAsync(3);
        var leader = await _cluster.LeaderAsync();
        var result = await ProposeAsync(leader, MemberChange.Remove(Id(9)));
        Assert.Equal((ProposalOutcome.Rejected, RejectReason.MemberNotFound), (result.Outcome, result.Reason));
        await Assert.ThrowsAsync<ArgumentException>(async () =>
            await leader.Node.ChangeConfigurationAsync(new ConfigurationChange { Changes = [] }, _deadline.Token));
    }

    [Fact]
    public async Task A_removed_follower_stops_and_says_so()
    {
        await StartAsync(3);
        var leader = await _cluster.LeaderAsync();
        var removed = _cluster.Running.First(n => n.Number != leader.Number);
        await ChangeAsync(leader, MemberChange.Remove(removed.Node.Status.NodeId));

        var fault = await Assert.ThrowsAsync<MemberRemovedException>(() => removed.Node.Completion.WaitAsync(_deadline.Token));
        Assert.Contains("was removed from the cluster", fault.Message, StringComparison.Ordinal);
        await AddNumbersAsync(1, 3, except: removed.Number);
    }

    [Fact]
    public async Task A_removed_leader_passes_leadership_on_and_stops()
    {
        await StartAsync(3);
        var leader = await _cluster.LeaderAsync();
        var result = await ChangeAsync(leader, MemberChange.Remove(leader.Node.Status.NodeId));
        Assert.Equal(2, result.Result.Configuration.Voters.Length);

        await Assert.ThrowsAsync<MemberRemovedException>(() => leader.Node.Completion.WaitAsync(_deadline.Token));
        await AddNumbersAsync(1, 3, except: leader.Number);
    }

    /// <summary>It was down when it was removed, so only the others can tell.</summary>
    [Fact]
    public async Task A_member_that_was_removed_while_it_was_down_stops_when_it_returns()
    {
        await StartAsync(3);
        var leader = await _cluster.LeaderAsync();
        await AddNumbersAsync(1, 3);
        var removed = _cluster.Running.First(n => n.Number != leader.Number).Number;
        await TestCluster.WaitUntilAsync(() => _cluster.Running.All(static n =>
            n.Node.CommittedConfiguration.Configuration.Details.All(static member => member.Directory != DirectoryId.None)));
        await _cluster.StopAsync(removed);
        await ChangeAsync(leader, MemberChange.Remove(Id(removed)));

        await _cluster.StartAsync(removed, default);
        await Assert.ThrowsAsync<MemberRemovedException>(() => _cluster[removed].Node.Completion.WaitAsync(_deadline.Token));
    }

    /// <summary>One step: at no time has the cluster four voters of which two are away.</summary>
    [Fact]
    public async Task A_dead_member_is_replaced_in_one_call()
    {
        await StartAsync(3);
        await AddNumbersAsync(1, 50);
        var leader = await _cluster.LeaderAsync();
        var dead = _cluster.Running.First(n => n.Number != leader.Number).Number;
        await _cluster.StopAsync(dead);

        await _cluster.StartAsync(4, default, static options => options with { IsJoining = true });
        var result = await ChangeAsync(leader, MemberChange.Remove(Id(dead)), MemberChange.AddVoter(Id(4), Address(4)));
        Assert.Equal(3, result.Result.Configuration.Voters.Length);
        await TestCluster.WaitUntilAsync(() => _cluster[4].StateMachine.Numbers.Length == 50);
        await AddNumbersAsync(51, 3, except: dead);
    }

    [Fact]
    public async Task A_single_member_grows_to_three_and_shrinks_again_to_one_that_is_new()
    {
        await StartAsync(1);
        await JoinAsync(2);
        await JoinAsync(3);
        await AddNumbersAsync(1, 10);
        var leader = await _cluster.LeaderAsync();
        await ChangeAsync(leader, MemberChange.Remove(Id(1)), MemberChange.Remove(Id(2)));

        await TestCluster.WaitUntilAsync(() => _cluster[3].Node.Status.IsLeader);
        await AddNumbersAsync(11, 3, only: 3);
        Assert.Equal("(3)", _cluster[3].Node.CommittedConfiguration.Configuration.ToString());
    }

    [Fact]
    public async Task A_restarted_cluster_has_the_changed_members()
    {
        await StartAsync(3);
        await JoinAsync(4);
        var leader = await _cluster.LeaderAsync();
        await ChangeAsync(leader, MemberChange.Demote(Id(1)));
        foreach (var number in new[] { 1, 2, 3, 4 })
            await _cluster.StopAsync(number);

        foreach (var number in new[] { 1, 2, 3, 4 })
            await _cluster.StartAsync(number, default);
        await TestCluster.WaitUntilAsync(() => _cluster.Running.All(static n =>
            n.Node.CommittedConfiguration.Configuration.ToString() == "(2 3 4) learners(1)"));
        await AddNumbersAsync(1, 3);
    }

    /// <summary>It does not know the leader, and the leader alone could tell it of the change.</summary>
    [Fact]
    public async Task A_member_that_was_away_follows_a_leader_that_was_added_meanwhile()
    {
        await StartAsync(3);
        var leader = await _cluster.LeaderAsync();
        await AddNumbersAsync(1, 3);
        var away = _cluster.Running.First(n => n.Number != leader.Number).Number;
        await _cluster.StopAsync(away);
        await JoinAsync(4);
        await leader.Node.TransferLeadershipAsync(Id(4), cancellationToken: _deadline.Token);
        await TestCluster.WaitUntilAsync(() => _cluster[4].Node.Status.IsLeader);

        await StartOneAsync(away, size: 3);
        await TestCluster.WaitUntilAsync(() => _cluster[away].Node.Status.Leader == Id(4));
        await TestCluster.WaitUntilAsync(() => _cluster[away].StateMachine.Numbers.Length == 3);
        Assert.True(_cluster[4].Node.Status.IsLeader);
    }

    /// <summary>The address of the options is that of another port now; the configuration has the new one.</summary>
    [Fact]
    public async Task A_member_is_reached_at_its_new_address()
    {
        await StartAsync(3);
        var leader = await _cluster.LeaderAsync();
        var moved = _cluster.Running.First(n => n.Number != leader.Number).Number;
        await _cluster.StopAsync(moved);
        await ChangeAsync(leader, MemberChange.Update(Id(moved), Address(6), ""));

        await _cluster.StartAsync(moved, default, options => options with { ListenEndPoints = [_cluster.Members[Id(6)]] });
        await AddNumbersAsync(1, 3);
        await TestCluster.WaitUntilAsync(() => _cluster[moved].StateMachine.Numbers.Length == 3);
    }

    /// <summary>The other members had never connected with the lost directory's member themselves; the configuration knows it.</summary>
    [Fact]
    public async Task A_member_with_an_empty_directory_is_rejected_and_stops()
    {
        await StartAsync(3);
        await AddNumbersAsync(1, 3);
        await TestCluster.WaitUntilAsync(() => _cluster.Running.All(static n =>
            n.Node.CommittedConfiguration.Configuration.Details.All(static member => member.Directory != DirectoryId.None)));
        var lost = _cluster.Running.First(n => !n.Node.Status.IsLeader).Number;
        await _cluster.StopAsync(lost);
        Directory.Delete(_cluster.DataDirectory(lost), recursive: true);
        await _cluster.StartAsync(lost, default);
        await AddNumbersAsync(4, 3, except: lost);
        Assert.Empty(_cluster[lost].StateMachine.Numbers);
        Assert.Equal(NodeId.None, _cluster[lost].Node.Status.Leader);
    }

    private static NodeId Id(int number) => new((ulong)number);

    private string Address(int number) => _cluster.Members[Id(number)].ToString();

    private async Task StartAsync(int size)
    {
        for (var number = 1; number <= size; number++)
            await StartOneAsync(number, size);
        await _cluster.LeaderAsync();
    }

    /// <summary>Starts a member of a cluster that was created with so many members.</summary>
    private Task StartOneAsync(int number, int size) => _cluster.StartAsync(number, default, options => options with
    {
        Members = options.Members.Where(member => member.Key.Value <= (ulong)size).ToDictionary(),
    });

    /// <summary>Adds a member that becomes a voter when it has caught up, and waits for it.</summary>
    private async Task JoinAsync(int number)
    {
        var leader = await _cluster.LeaderAsync();
        await ChangeAsync(leader, MemberChange.AddLearner(Id(number), Address(number), promoteWhenReady: true));
        await _cluster.StartAsync(number, default, static options => options with { IsJoining = true });
        await TestCluster.WaitUntilAsync(() =>
            _cluster[number].Node.CommittedConfiguration.Configuration is { IsJoint: false } configuration
            && configuration.IsVoter(Id(number)));
    }

    private async Task<ProposalResult<ConfigurationAt>> ChangeAsync(RunningNode node, params MemberChange[] changes)
    {
        var result = await ProposeAsync(node, changes);
        Assert.Null(result.Reason);
        Assert.Equal(ProposalOutcome.Committed, result.Outcome);
        return result;
    }

    /// <summary>Proposes a change; waits while another one, such as the binding of a member, is in progress.</summary>
    private async Task<ProposalResult<ConfigurationAt>> ProposeAsync(RunningNode node, params MemberChange[] changes)
    {
        while (true)
        {
            var result = await node.Node.ChangeConfigurationAsync(new ConfigurationChange { Changes = [.. changes] }, _deadline.Token);
            if (result.Reason is not (RejectReason.ChangeInProgress or RejectReason.NoLeader or RejectReason.NotLeader))
                return result;
        }
    }

    private async Task AddNumbersAsync(int first, int count, int except = 0, int only = 0)
    {
        for (var number = first; number < first + count; number++)
        {
            while (true)
            {
                var node = _cluster.Running.First(n => n.Number != except && (only == 0 || n.Number == only));
                var result = await node.Node.ProposeAsync(NumberListStateMachine.Add(number), _deadline.Token);
                if (result.IsCommitted)
                    break;
            }
        }
    }
}
