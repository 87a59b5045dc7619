using System.Buffers;
using Grpc.Core;
using Microsoft.Extensions.Logging.Abstractions;
using Quorate.Kv;
using Quorate.Node;
using Quorate.Raft;
using Quorate.Server.Etcd;
using Quorate.Server.Replication;

namespace Quorate.Server.Tests.Replication;

/// <summary>
/// Renewals that arrive during a commit share the next entry, each caller gets its own result, and none affects another one.
/// </summary>
public sealed class LeaseRenewalsTests
{
    private readonly KvStore _store = new();
    private readonly FakeRaftNode _node;
    private readonly LeaseRenewals _renewals;
    private readonly RequestContext _context = RequestContext.FromServer(CancellationToken.None);
    private readonly TaskCompletionSource _commit = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private ulong _index;

    public LeaseRenewalsTests()
    {
        _node = new FakeRaftNode { Commit = Apply, Delay = () => _commit.Task };
        var executor = new RequestExecutor(
            _node, TimeSpan.FromSeconds(1), TimeProvider.System, NullLogger.Instance, CancellationToken.None);
        _renewals = new LeaseRenewals(executor, TimeProvider.System);
        for (var id = 1; id <= 3; id++)
            Grant(id, ttl: 10 * id);
    }

    [Fact]
    public async Task Renewals_that_arrive_during_a_commit_share_the_next_entry()
    {
        var first = _renewals.RenewAsync(1, _context).AsTask();
        await ProposedAsync(1);
        var others = new[] { 2, 9, 3, 1 }.Select(id => _renewals.RenewAsync(id, _context).AsTask()).ToArray();
        CommitAll();

        Assert.Equal(10, await first);
        var ttls = await Task.WhenAll(others);
        Assert.Equal([20L, 0, 30, 10], ttls);
        Assert.Equal([[1L], [2, 9, 3, 1]], _node.Proposed.Select(Ids));
    }

    [Fact]
    public async Task A_caller_that_cancels_frees_its_place_and_affects_no_other()
    {
        using var inEntry = new CancellationTokenSource();
        using var waiting = new CancellationTokenSource();
        var first = _renewals.RenewAsync(1, RequestContext.FromServer(inEntry.Token)).AsTask();
        await ProposedAsync(1);
        var second = _renewals.RenewAsync(2, RequestContext.FromServer(waiting.Token)).AsTask();
        var third = _renewals.RenewAsync(3, _context).AsTask();

        await inEntry.CancelAsync();
        await waiting.CancelAsync();
        await Assert.ThrowsAsync<RpcException>(() => first);
        await Assert.ThrowsAsync<RpcException>(() => second);
        CommitAll();

        Assert.Equal(30, await third);
        Assert.Equal([[1L], [3]], _node.Proposed.Select(Ids));
    }

    [Fact]
    public async Task A_renewal_beyond_the_bound_is_rejected_and_a_cancelled_one_makes_room()
    {
        using var cancellation = new CancellationTokenSource();
        var first = _renewals.RenewAsync(1, _context).AsTask();
        await ProposedAsync(1);
        for (var i = 1; i < LeaseRenewals.WaitingMax; i++)
            _ = _renewals.RenewAsync(2, _context).AsTask();
        var last = _renewals.RenewAsync(2, RequestContext.FromServer(cancellation.Token)).AsTask();

        var error = await Assert.ThrowsAsync<RpcException>(async () => await _renewals.RenewAsync(3, _context));
        Assert.Equal((StatusCode.ResourceExhausted, "etcdserver: too many requests"), (error.StatusCode, error.Status.Detail));

        await cancellation.CancelAsync();
        await Assert.ThrowsAsync<RpcException>(() => last);
        var admitted = _renewals.RenewAsync(3, _context).AsTask();
        CommitAll();
        Assert.Equal((10, 30), (await first, await admitted));
        Assert.All(_node.Proposed, static p => Assert.InRange(Ids(p).Length, 1, LeaseRenewManyRequest.MaxIds));
        Assert.Equal(1 + LeaseRenewals.WaitingMax, _node.Proposed.Sum(static p => Ids(p).Length));
    }

    [Fact]
    public async Task Every_caller_of_an_entry_that_fails_gets_the_error_and_the_next_entry_is_proposed()
    {
        _node.ProposalAnswer = FakeAnswer.Indeterminate;
        var first = _renewals.RenewAsync(1, _context).AsTask();
        await ProposedAsync(1);
        var failing = new[] { 2, 3 }.Select(id => _renewals.RenewAsync(id, _context).AsTask()).ToArray();
        CommitAll();
        foreach (var renewal in (Task<long>[])[first, .. failing])
            Assert.Equal(StatusCode.Unavailable, (await Assert.ThrowsAsync<RpcException>(() => renewal)).StatusCode);

        _node.ProposalAnswer = null;
        Assert.Equal(20, await _renewals.RenewAsync(2, _context));
    }

    private static long[] Ids(ReadOnlyMemory<byte> command) =>
        [.. Assert.IsType<LeaseRenewManyRequest>(KvCommandCodec.Decode(command)).Ids];

    private Task ProposedAsync(int count) => Eventually.IsTrueAsync(() => _node.Proposed.Count == count, $"entry {count} is proposed");

    private void CommitAll() => _commit.SetResult();

    private void Grant(long id, long ttl)
    {
        var command = new ArrayBufferWriter<byte>();
        KvCommandCodec.Encode(new LeaseGrantRequest(id, ttl), command);
        Apply(command.WrittenMemory);
    }

    private ProposalResult<KvResult> Apply(ReadOnlyMemory<byte> command)
    {
        var entry = new EntryId(new Term(1), new LogIndex(++_index));
        return new() { Outcome = ProposalOutcome.Committed, Entry = entry, Result = _store.Apply(new CommittedCommand(entry, command)) };
    }
}
