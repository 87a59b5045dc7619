using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Quorate.Node.Telemetry;
using Quorate.Node.Tests.Integration;
using Quorate.Node.Transport;
using Quorate.Raft;

namespace Quorate.Node.Tests.Telemetry;

/// <summary>What a node reports to its operator: leader changes, silent peers, slow work, and measurements.</summary>
public sealed class NodeMonitorTests
{
    [Fact]
    public async Task A_lost_leader_is_reported_with_the_reason()
    {
        using var logs = new RecordingLogs();
        await using var cluster = TestCluster.Stopped(3);
        for (var number = 1; number <= 3; number++)
            await cluster.StartAsync(number, default, options => options with { LoggerFactory = logs });
        var leader = await cluster.LeaderAsync();
        var id = leader.Node.Status.NodeId;
        await cluster.AbortAsync(leader.Number);
        var next = await cluster.LeaderAsync();

        var change = next.Node.Status.LastLeaderChange!;
        Assert.Equal((next.Node.Status.NodeId, LeaderChangeReason.ConnectionClosed), (change.Leader, change.Reason));
        Assert.Contains(logs.Messages, m => m.Id == 1003 && m.Text.Contains($"the leader {id} is lost: it closed its connection"));
        Assert.Contains(logs.Messages, m => m.Id == 1002 && m.Text.Contains($"{next.Node.Status.NodeId} is the leader"));
    }

    [Fact]
    public async Task A_leader_reports_a_silent_follower_and_its_return()
    {
        using var logs = new RecordingLogs();
        await using var cluster = TestCluster.Stopped(3);
        for (var number = 1; number <= 3; number++)
            await cluster.StartAsync(number, default, options => options with { LoggerFactory = logs });
        var leader = await cluster.LeaderAsync();
        var other = cluster.Running.First(node => node != leader);
        await TestCluster.WaitUntilAsync(() => leader.Node.Members.All(
            member => member.NodeId == leader.Node.Status.NodeId || member is { SinceLastContact: not null, Progress.Match.Value: > 0 }));

        await cluster.StopAsync(other.Number);
        await TestCluster.WaitUntilAsync(() => logs.Messages.Any(m => m.Id == 1005));
        await cluster.StartAsync(other.Number, default);
        await TestCluster.WaitUntilAsync(() => logs.Messages.Any(m => m.Id == 1006));

        Assert.Contains(logs.Messages, m => m.Id == 1005 && m.Text.StartsWith($"peer {new NodeId((ulong)other.Number)} silent for "));
    }

    [Fact]
    public async Task A_callback_that_throws_is_reported_and_does_not_stop_the_node()
    {
        using var logs = new RecordingLogs();
        await using var cluster = TestCluster.Stopped(2);
        for (var number = 1; number <= 2; number++)
        {
            await cluster.StartAsync(number, default, options => options with
            {
                LoggerFactory = logs,
                OnTrace = static (_, _) => throw new InvalidOperationException("a bug of the callback"),
            });
        }

        var leader = await cluster.LeaderAsync();
        Assert.True((await leader.ProposeAsync(1)).IsCommitted);
        await TestCluster.WaitUntilAsync(() => leader.Node.Members.All(
            member => member.NodeId == leader.Node.Status.NodeId || member.SinceLastContact is not null));

        Assert.All(cluster.Running, static running => Assert.False(running.Node.Completion.IsCompleted));
        Assert.Contains(logs.Messages, static m => m.Id == 1016 && m.Text.Contains("OnTrace threw", StringComparison.Ordinal));
    }

    [Fact]
    public void A_callback_for_transport_events_that_throws_is_reported()
    {
        using var logs = new RecordingLogs();
        var monitor = new NodeMonitor(Options() with
        {
            LoggerFactory = logs,
            OnTransportEvent = static _ => throw new InvalidOperationException("a bug of the callback"),
        });

        monitor.OnTransportEvent(new TransportEvent { Kind = TransportEventKind.Connected, Peer = new NodeId(2), Text = "connected" });

        var (_, _, text) = Assert.Single(logs.Messages, static m => m.Id == 1016);
        Assert.Contains("OnTransportEvent threw an exception; the node continues: a bug of the callback", text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_leader_reports_a_follower_that_never_connected()
    {
        using var logs = new RecordingLogs();
        var clock = new StoppedClock();
        PeerCounters peer = new() { Peer = new NodeId(2) };
        var monitor = new NodeMonitor(Options() with { LoggerFactory = logs, TimeProvider = clock })
        {
            Counters = () => new TransportCounters { Peers = [peer] },
        };
        clock.Milliseconds += 60_000; // before the election, no message of the peer is expected
        var leader = ObservedCore.Leader(monitor);

        clock.Milliseconds += 999;
        leader.TickHeartbeatInterval();
        Assert.Empty(SilenceIn(logs));
        clock.Milliseconds += 1;
        leader.TickHeartbeatInterval();
        leader.TickHeartbeatInterval();
        Assert.Equal(["peer 2 silent for 1.0 s"], SilenceIn(logs));
        peer = peer with { SinceLastContact = TimeSpan.Zero };
        leader.TickHeartbeatInterval();

        Assert.Equal(["peer 2 silent for 1.0 s", "peer 2 responds again"], SilenceIn(logs));
    }

    [Fact]
    public void A_leader_reports_a_follower_only_for_silence_since_the_election()
    {
        using var logs = new RecordingLogs();
        var clock = new StoppedClock();
        PeerCounters peer = new() { Peer = new NodeId(2), SinceLastContact = TimeSpan.FromSeconds(20) };
        var monitor = new NodeMonitor(Options() with { LoggerFactory = logs, TimeProvider = clock })
        {
            Counters = () => new TransportCounters { Peers = [peer] },
        };
        var leader = ObservedCore.Leader(monitor);

        leader.TickHeartbeatInterval();
        peer = peer with { SinceLastContact = TimeSpan.FromMilliseconds(999) };
        clock.Milliseconds += 5_000;
        leader.TickHeartbeatInterval();

        Assert.Empty(SilenceIn(logs));
    }

    [Fact]
    public void A_new_leader_is_reported_with_the_reason_for_which_the_previous_one_was_lost()
    {
        var monitor = new NodeMonitor(Options());
        var follower = new ObservedCore(monitor, members: 3);
        var (previous, next) = (new NodeId(2), new NodeId(3));
        follower.Step(Input.Received(new AppendEntries { From = previous, To = follower.Core.Self, Term = new Term(1) }));
        Assert.Equal((previous, LeaderChangeReason.Started), (monitor.LastLeaderChange!.Leader, monitor.LastLeaderChange.Reason));

        follower.Step(Input.PeerLost(previous));
        follower.Step(Input.Received(new AppendEntries { From = next, To = follower.Core.Self, Term = new Term(2) }));

        Assert.Equal((next, LeaderChangeReason.ConnectionClosed), (monitor.LastLeaderChange.Leader, monitor.LastLeaderChange.Reason));
    }

    [Fact]
    public void A_slow_flush_and_a_slow_apply_are_reported_at_most_once_a_second()
    {
        using var logs = new RecordingLogs();
        var monitor = new NodeMonitor(Options() with { LoggerFactory = logs, TimeProvider = new StoppedClock() });

        monitor.OnFlushed(TimeSpan.FromMilliseconds(99));
        monitor.OnFlushed(TimeSpan.FromMilliseconds(250));
        monitor.OnFlushed(TimeSpan.FromMilliseconds(250));
        monitor.OnApplied(7, TimeSpan.FromSeconds(2));

        Assert.Equal([1008, 1009], logs.Messages.Select(m => m.Id));
    }

    [Fact]
    public void A_pause_of_the_process_is_reported()
    {
        using var logs = new RecordingLogs();
        var clock = new StoppedClock();
        var monitor = new NodeMonitor(Options() with { LoggerFactory = logs, TimeProvider = clock });

        monitor.OnIteration();
        clock.Milliseconds += 900;
        monitor.OnIteration();
        clock.Milliseconds += 23_000;
        monitor.OnIteration();

        Assert.Equal("this process stood still for 23.0 s: it was paused, or its machine overloaded", Assert.Single(logs.Messages).Text);
    }

    [Fact]
    public async Task Every_instrument_measures_a_running_node()
    {
        using var meter = new Meter("test");
        var measured = new ConcurrentDictionary<string, double>();
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, self) =>
        {
            if (instrument.Meter == meter)
                self.EnableMeasurementEvents(instrument);
        };
        listener.SetMeasurementEventCallback<double>((instrument, value, _, _) => Add(instrument, value));
        listener.SetMeasurementEventCallback<long>((instrument, value, _, _) => Add(instrument, value));
        listener.Start();
        await using var cluster = TestCluster.Stopped(2);
        await cluster.StartAsync(1, default, options => options with { Meter = meter });
        await cluster.StartAsync(2, default);
        for (var i = 0; i < 10; i++)
            Assert.True((await cluster[1].ProposeAsync(i)).IsCommitted);

        listener.RecordObservableInstruments();

        // This node need not have stood for election, and need not lead, no message of an impossible term arrives, and no leadership is
        // transferred.
        Assert.Empty(Names().Except(measured.Keys).Except(
            [
                RaftMetricNames.Elections, RaftMetricNames.RejectedTerms, RaftMetricNames.LeadershipTransfers,
                RaftMetricNames.FailureTolerance,
            ]));
        Assert.True(measured[RaftMetricNames.CommitDuration] > 0);
        Assert.True(measured[RaftMetricNames.FlushDuration] > 0);
        Assert.True(measured[RaftMetricNames.AppliedEntries] >= 10);
        Assert.True(measured[RaftMetricNames.NetworkIo] > 0);
        Assert.True(measured[RaftMetricNames.CommitIndex] >= 10);

        void Add(Instrument instrument, double value) => measured.AddOrUpdate(instrument.Name, value, (_, sum) => sum + value);

        static IEnumerable<string> Names() => typeof(RaftMetricNames).GetFields()
            .Where(static field => !field.Name.EndsWith("Attribute", StringComparison.Ordinal))
            .Select(static field => (string)field.GetRawConstantValue()!);
    }

    [Fact]
    public void A_message_of_an_impossible_term_is_reported_at_most_once_a_second()
    {
        using var logs = new RecordingLogs();
        var clock = new StoppedClock();
        var core = new ObservedCore(new NodeMonitor(Options() with { LoggerFactory = logs, TimeProvider = clock }), members: 3);
        var message = new AppendEntries { From = new NodeId(2), To = new NodeId(1), Term = new Term(ulong.MaxValue) };
        for (var i = 0; i < 10; i++)
            core.Step(Input.Received(message));
        clock.Milliseconds += 1000;
        core.Step(Input.Received(message));

        var reported = logs.Messages.Where(static m => m.Id == 1015).ToList();
        Assert.Equal(2, reported.Count);
        Assert.StartsWith(
            $"rejected a message of term {ulong.MaxValue} from peer 2: this node is in term 0", reported[0].Text, StringComparison.Ordinal);
    }

    private static RaftNodeOptions Options() => new()
    {
        NodeId = new NodeId(1), ClusterId = 1, DataDirectory = "unused", Members = new Dictionary<NodeId, PeerAddress>(),
        ElectionTimeout = TimeSpan.FromSeconds(1),
    };

    private static IEnumerable<string> SilenceIn(RecordingLogs logs) =>
        logs.Messages.Where(static message => message.Id is 1005 or 1006).Select(static message => message.Text);

    /// <summary>A core whose steps a monitor observes.</summary>
    private sealed class ObservedCore
    {
        private readonly NodeMonitor _monitor;
        private readonly Effects _effects = new();

        public ObservedCore(NodeMonitor monitor, int members)
        {
            _monitor = monitor;
            var configuration = new Configuration(Enumerable.Range(1, members).Select(static id => new NodeId((ulong)id)));
            Core = new RaftCore(
                new RaftOptions { Self = new NodeId(1), Seed = 1 }, new DurableState { Configuration = configuration });
        }

        public RaftCore Core { get; }

        /// <summary>A leader without followers: the only member of its cluster.</summary>
        public static ObservedCore Leader(NodeMonitor monitor)
        {
            var leader = new ObservedCore(monitor, members: 1);
            while (leader.Core.Role != Role.Leader)
                leader.Step(leader._effects.Append.IsEmpty ? Input.Tick : Input.Durable(leader._effects.Append.Token));
            return leader;
        }

        public void Step(in Input input)
        {
            Core.Step(input, _effects);
            _monitor.OnStep(Core, input, _effects);
        }

        public void TickHeartbeatInterval()
        {
            for (var tick = 0; tick < RaftNodeOptions.HeartbeatTicks; tick++)
                Step(Input.Tick);
        }
    }

    private sealed class StoppedClock : TimeProvider
    {
        public long Milliseconds { get; set; } = 1;

        public override long TimestampFrequency => 1000;

        public override long GetTimestamp() => Milliseconds;
    }
}
