using Grpc.Core;
using Microsoft.Extensions.Logging.Abstractions;
using Quorate.Server.Etcd;
using Quorate.Server.Replication;

namespace Quorate.Server.Tests.Replication;

/// <summary>
/// A request that certainly had no effect is retried, one that may have had an effect is not, and every failure has etcd's error text.
/// </summary>
public sealed class RequestExecutorTests
{
    private static readonly ReadOnlyMemory<byte> Command = new byte[] { 1 };
    private static readonly RequestContext Context = RequestContext.FromServer(CancellationToken.None);

    [Fact]
    public async Task A_rejected_proposal_is_retried_once_a_leader_is_known()
    {
        var node = new FakeRaftNode(FakeAnswer.NoLeader, FakeAnswer.NoLeader, FakeAnswer.Completed);
        var executor = new RequestExecutor(node, TimeSpan.FromSeconds(1), TimeProvider.System, NullLogger.Instance, CancellationToken.None);

        await executor.ProposeAsync(Context, Command, takesSpace: true);

        Assert.Equal(3, node.CallCount);
    }

    [Theory]
    [InlineData(FakeAnswer.Indeterminate, StatusCode.Unavailable, "etcdserver: request timed out")]
    [InlineData(FakeAnswer.Busy, StatusCode.ResourceExhausted, "etcdserver: too many requests")]
    [InlineData(FakeAnswer.NoSpace, StatusCode.ResourceExhausted, "etcdserver: mvcc: database space exceeded")]
    [InlineData(FakeAnswer.TooLarge, StatusCode.InvalidArgument, "etcdserver: request is too large")]
    [InlineData(FakeAnswer.Stopped, StatusCode.Unavailable, "etcdserver: server stopped")]
    public async Task Any_other_outcome_is_an_error_and_is_not_retried(FakeAnswer outcome, StatusCode code, string message)
    {
        var node = new FakeRaftNode(outcome, FakeAnswer.Completed);
        var executor = new RequestExecutor(node, TimeSpan.FromSeconds(1), TimeProvider.System, NullLogger.Instance, CancellationToken.None);

        var error = await Assert.ThrowsAsync<RpcException>(async () => await executor.ProposeAsync(Context, Command, takesSpace: true));

        Assert.Equal((code, message), (error.StatusCode, error.Status.Detail));
        Assert.Equal(1, node.CallCount);
    }

    [Fact]
    public async Task A_request_without_a_leader_until_the_deadline_fails_with_no_leader()
    {
        var time = new ManualTime();
        var node = new FakeRaftNode(FakeAnswer.NoLeader) { Status = default };
        var executor = new RequestExecutor(node, TimeSpan.FromSeconds(1), time, NullLogger.Instance, CancellationToken.None);

        var proposing = executor.ProposeAsync(Context, Command, takesSpace: true).AsTask();
        var reading = executor.ReadBarrierAsync(Context).AsTask();
        await Eventually.IsTrueAsync(() => node.Waiters == 2, "both wait for a leader");
        time.Advance(TimeSpan.FromSeconds(6.9));
        Assert.False(proposing.IsCompleted || reading.IsCompleted, "5 s and two election timeouts have not passed yet");
        time.Advance(TimeSpan.FromSeconds(0.7));

        foreach (var request in new[] { proposing, reading })
            Assert.Equal("etcdserver: no leader", (await Assert.ThrowsAsync<RpcException>(() => request)).Status.Detail);
    }

    [Fact]
    public async Task Waiting_requests_fail_at_once_when_the_member_stops()
    {
        using var stopped = new CancellationTokenSource();
        var node = new FakeRaftNode(FakeAnswer.NoLeader) { Status = default };
        var executor = new RequestExecutor(node, TimeSpan.FromSeconds(1), new ManualTime(), NullLogger.Instance, stopped.Token);
        var proposing = executor.ProposeAsync(Context, Command, takesSpace: true).AsTask();
        var reading = executor.ReadBarrierAsync(Context).AsTask();
        await Eventually.IsTrueAsync(() => node.Waiters == 2, "both wait for a leader");

        await stopped.CancelAsync();
        var late = executor.ProposeAsync(Context, Command, takesSpace: true).AsTask();

        foreach (var request in new[] { proposing, reading, late })
            Assert.Equal("etcdserver: server stopped", (await Assert.ThrowsAsync<RpcException>(() => request)).Status.Detail);
    }

    [Theory]
    [InlineData(FakeAnswer.NoLeader)]
    [InlineData(FakeAnswer.Indeterminate)]
    public async Task A_request_cancelled_by_its_client_fails_with_CANCELLED(FakeAnswer outcome)
    {
        using var client = new CancellationTokenSource();
        var node = new FakeRaftNode(outcome) { Status = default, Calling = client.Cancel };
        var executor = new RequestExecutor(node, TimeSpan.FromSeconds(1), new ManualTime(), NullLogger.Instance, CancellationToken.None);
        var context = RequestContext.FromServer(client.Token);

        var proposing = await Assert.ThrowsAsync<RpcException>(async () => await executor.ProposeAsync(context, Command, takesSpace: true));
        var reading = await Assert.ThrowsAsync<RpcException>(async () => await executor.ReadBarrierAsync(context));

        Assert.Equal((StatusCode.Cancelled, "etcdserver: request canceled"), (proposing.StatusCode, proposing.Status.Detail));
        Assert.Equal((StatusCode.Cancelled, "etcdserver: request canceled"), (reading.StatusCode, reading.Status.Detail));
        Assert.Equal((0, 0), (executor.PendingProposals, executor.PendingReads));
    }

    [Fact]
    public void Requests_of_the_same_half_second_share_their_deadline()
    {
        var time = new ManualTime();
        var deadline = new RequestDeadlineCoalescer(TimeSpan.FromSeconds(7), time, CancellationToken.None);
        var first = deadline.GetToken();
        time.Advance(TimeSpan.FromSeconds(0.4));
        var second = deadline.GetToken();
        time.Advance(TimeSpan.FromSeconds(0.2));
        var third = deadline.GetToken();

        Assert.Equal(first, second);
        Assert.NotEqual(first, third);
        time.Advance(TimeSpan.FromSeconds(6.8));
        Assert.False(second.IsCancellationRequested, "its own seven seconds have not passed");
        time.Advance(TimeSpan.FromSeconds(0.2));
        Assert.True(second.IsCancellationRequested);
        Assert.False(third.IsCancellationRequested);
    }

    /// <summary>A clock that the test advances.</summary>
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
