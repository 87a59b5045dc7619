using Grpc.Core;
using Quorate.Kv;
using Quorate.Server.Replication;

namespace Quorate.Server.Tests.Replication;

/// <summary>What is known not to have happened is tried again; what may have happened never is; and each end has etcd's words.</summary>
public sealed class RequestsOutliveElections
{
    private static readonly ReadOnlyMemory<byte> Command = new byte[] { 1 };

    [Fact]
    public async Task A_proposal_that_was_refused_is_made_again_when_a_leader_is_known()
    {
        var replica = new ScriptedReplica(ReplicaVerdict.TryAgain, ReplicaVerdict.TryAgain, ReplicaVerdict.Done);
        var replicator = new Replicator(replica, TimeSpan.FromSeconds(1), TimeProvider.System, CancellationToken.None);

        await replicator.ProposeAsync(Command);

        Assert.Equal(3, replica.Asked);
    }

    [Theory]
    [InlineData((int)ReplicaVerdict.Unknown, StatusCode.Unavailable, "etcdserver: request timed out")]
    [InlineData((int)ReplicaVerdict.Busy, StatusCode.ResourceExhausted, "etcdserver: too many requests")]
    [InlineData((int)ReplicaVerdict.TooLarge, StatusCode.InvalidArgument, "etcdserver: request is too large")]
    [InlineData((int)ReplicaVerdict.Stopped, StatusCode.Unavailable, "etcdserver: server stopped")]
    public async Task Any_other_end_is_told_and_the_proposal_is_not_repeated(int verdict, StatusCode code, string message)
    {
        var replica = new ScriptedReplica((ReplicaVerdict)verdict, ReplicaVerdict.Done);
        var replicator = new Replicator(replica, TimeSpan.FromSeconds(1), TimeProvider.System, CancellationToken.None);

        var refused = await Assert.ThrowsAsync<RpcException>(async () => await replicator.ProposeAsync(Command));

        Assert.Equal((code, message), (refused.StatusCode, refused.Status.Detail));
        Assert.Equal(1, replica.Asked);
    }

    [Fact]
    public async Task Without_a_leader_until_the_deadline_the_request_has_not_happened()
    {
        var time = new ManualTime();
        var replica = new ScriptedReplica(ReplicaVerdict.TryAgain) { Leader = 0 };
        var replicator = new Replicator(replica, TimeSpan.FromSeconds(1), time, CancellationToken.None);

        var proposing = replicator.ProposeAsync(Command).AsTask();
        var reading = replicator.ReadBarrierAsync().AsTask();
        await Eventually.HoldsAsync(() => replica.Waiters == 2, "both wait for a leader");
        time.Advance(TimeSpan.FromSeconds(6.9));
        Assert.False(proposing.IsCompleted || reading.IsCompleted, "5 s and two election timeouts have not passed yet");
        time.Advance(TimeSpan.FromSeconds(0.7));

        foreach (var request in new[] { proposing, reading })
            Assert.Equal("etcdserver: no leader", (await Assert.ThrowsAsync<RpcException>(() => request)).Status.Detail);
    }

    [Fact]
    public async Task Whoever_waits_when_the_member_stops_is_told_so_at_once()
    {
        using var stopped = new CancellationTokenSource();
        var replica = new ScriptedReplica(ReplicaVerdict.TryAgain) { Leader = 0 };
        var replicator = new Replicator(replica, TimeSpan.FromSeconds(1), new ManualTime(), stopped.Token);
        var proposing = replicator.ProposeAsync(Command).AsTask();
        var reading = replicator.ReadBarrierAsync().AsTask();
        await Eventually.HoldsAsync(() => replica.Waiters == 2, "both wait for a leader");

        await stopped.CancelAsync();
        var late = replicator.ProposeAsync(Command).AsTask();

        foreach (var request in new[] { proposing, reading, late })
            Assert.Equal("etcdserver: server stopped", (await Assert.ThrowsAsync<RpcException>(() => request)).Status.Detail);
    }

    [Fact]
    public void Requests_of_the_same_half_second_share_their_deadline()
    {
        var time = new ManualTime();
        var deadline = new SharedDeadline(TimeSpan.FromSeconds(7), time, CancellationToken.None);
        var first = deadline.Next();
        time.Advance(TimeSpan.FromSeconds(0.4));
        var second = deadline.Next();
        time.Advance(TimeSpan.FromSeconds(0.2));
        var third = deadline.Next();

        Assert.Equal(first, second);
        Assert.NotEqual(first, third);
        time.Advance(TimeSpan.FromSeconds(6.8));
        Assert.False(second.IsCancellationRequested, "its own seven seconds have not passed");
        time.Advance(TimeSpan.FromSeconds(0.2));
        Assert.True(second.IsCancellationRequested);
        Assert.False(third.IsCancellationRequested);
    }

    /// <summary>Answers with the verdicts it was given, the last of them for ever.</summary>
    private sealed class ScriptedReplica(params ReplicaVerdict[] verdicts) : IReplica
    {
        private int _asked;
        private int _waiters;

        public ulong Leader { get; init; } = 1;

        public int Asked => _asked;

        public int Waiters => _waiters;

        public ReplicaStatus Status => new(1, Leader, 1, 1, 1);

        public ValueTask<Proposed> ProposeAsync(ReadOnlyMemory<byte> command, CancellationToken cancellation) => new(new Proposed(Next(), default(KvResult)));

        public ValueTask<ReplicaVerdict> ReadBarrierAsync(CancellationToken cancellation) => new(Next());

        public async Task LeaderKnownAsync(CancellationToken cancellation)
        {
            Interlocked.Increment(ref _waiters);
            if (Leader == 0)
                await Task.Delay(Timeout.Infinite, cancellation);
        }

        private ReplicaVerdict Next() => verdicts[Math.Min(Interlocked.Increment(ref _asked), verdicts.Length) - 1];
    }

    /// <summary>A clock that moves when it is told.</summary>
    private sealed class ManualTime : TimeProvider
    {
        private readonly List<ManualTimer> _timers = [];
        private long _now;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => Volatile.Read(ref _now);

        public void Advance(TimeSpan span)
        {
            ManualTimer[] due;
            lock (_timers)
            {
                _now += span.Ticks;
                due = [.. _timers.Where(t => t.DueAt <= _now)];
                _timers.RemoveAll(t => t.DueAt <= _now);
            }

            foreach (var timer in due)
                timer.Fire();
        }

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            var timer = new ManualTimer(() => callback(state), _now + dueTime.Ticks);
            lock (_timers)
                _timers.Add(timer);
            return timer;
        }

        private sealed record ManualTimer(Action Fire, long DueAt) : ITimer
        {
            public bool Change(TimeSpan dueTime, TimeSpan period) => true;

            public void Dispose()
            {
            }

            public ValueTask DisposeAsync() => ValueTask.CompletedTask;
        }
    }
}
