using Quorate.Kv;
using Quorate.Raft;
using Quorate.Verification.Simulation.Store;

namespace Quorate.Verification.Tests.Checks;

/// <summary>
/// The digests by which members are compared cover everything that a store holds and responds, and do not depend on how it got there.
/// </summary>
public sealed class StoreDigestTests
{
    [Fact]
    public void The_state_hash_covers_overwritten_values() =>
        Assert.NotEqual(StateHashAfter(1, Put("a", "1"), Put("a", "3")), StateHashAfter(1, Put("a", "2"), Put("a", "3")));

    [Fact]
    public void The_state_hash_covers_overwritten_versions() =>
        Assert.NotEqual(StateHashAfter(1, Put("a", "1"), Put("b", "1"), Put("a", "2")),
            StateHashAfter(1, Put("b", "1"), Put("b", "1"), Put("a", "2")));

    [Fact]
    public void The_state_hash_covers_leases() =>
        Assert.NotEqual(StateHashAfter(1, new LeaseGrantRequest(1, 10), new LeaseGrantRequest(2, 10), Put("a", "1", lease: 1)),
            StateHashAfter(1, new LeaseGrantRequest(1, 10), new LeaseGrantRequest(2, 10), Put("a", "1", lease: 2)));

    [Fact]
    public void The_state_hash_covers_compactions() =>
        Assert.NotEqual(StateHashAfter(1, Put("a", "1"), Put("a", "2"), new CompactRequest(2)),
            StateHashAfter(1, Put("a", "1"), Put("a", "2"), new CompactRequest(3)));

    /// <summary>A member that restarts applies in one batch the commands it had applied one by one.</summary>
    [Fact]
    public void The_state_hash_ignores_batch_boundaries()
    {
        KvRequest[] commands =
        [
            Put("a", "1"), Put("b", "2"), Put("a", "3"), new DeleteRangeRequest(KeyInterval.All), Put("a", "4"),
            new CompactRequest(4), Put("b", "5"),
        ];

        Assert.Equal(StateHashAfter(1, commands), StateHashAfter(3, commands));
        Assert.Equal(StateHashAfter(1, commands), StateHashAfter(100, commands));
    }

    [Fact]
    public void The_result_digest_covers_every_response_field()
    {
        var (a, b) =
            (new KeyValue("a"u8.ToArray(), "1"u8.ToArray(), 2, 3, 2, 0), new KeyValue("a"u8.ToArray(), "1"u8.ToArray(), 2, 3, 1, 0));
        KvResult[] results =
        [
            default,
            Ok(new PutResponse(3, null)), Ok(new PutResponse(4, null)), Ok(new PutResponse(3, a)), Ok(new PutResponse(3, b)),
            Ok(new PutResponse(3, a with { Value = default })),
            Ok(new PutResponse(3, a with { Lease = 7 })), Ok(new PutResponse(3, a with { CreateRevision = 1 })),
            Ok(new PutResponse(3, a with { ModRevision = 4 })),
            Ok(new RangeResponse(3, [], More: false, 0)), Ok(new RangeResponse(3, [a], More: false, 1)),
            Ok(new RangeResponse(3, [a], More: true, 2)), Ok(new RangeResponse(3, [b], More: false, 1)),
            Ok(new DeleteRangeResponse(3, 1, [])), Ok(new DeleteRangeResponse(3, 2, [])), Ok(new DeleteRangeResponse(3, 1, [a])),
            Ok(new TxnResponse(3, true, [new PutResponse(3, null)])), Ok(new TxnResponse(3, false, [new PutResponse(3, null)])),
            Ok(new TxnResponse(3, true, [new PutResponse(3, a)])),
            Ok(new LeaseGrantResponse(3, new Lease(1, 10, new LogIndex(4)))),
            Ok(new LeaseGrantResponse(3, new Lease(1, 10, new LogIndex(5)))),
            Ok(new LeaseGrantResponse(3, new Lease(1, 11, new LogIndex(4)))),
            Ok(new LeaseExpireResponse(3, 1, true)), Ok(new LeaseExpireResponse(3, 1, false)), Ok(new LeaseExpireResponse(3, 2, true)),
            new KvResult(null, KvError.Compacted, 3), new KvResult(null, KvError.LeaseNotFound, 3),
            new KvResult(null, KvError.Compacted, 4),
        ];

        Assert.Equal(results.Length, results.Select(static result => ResponseDigest.Of(result)).Distinct().Count());
    }

    private static KvResult Ok(KvResponse response) => new(response, null, 3);

    private static PutRequest Put(string key, string value, long lease = 0) =>
        new(System.Text.Encoding.ASCII.GetBytes(key), System.Text.Encoding.ASCII.GetBytes(value)) { Lease = lease };

    /// <summary>The state digest of a member that has applied these commands.</summary>
    private static ulong StateHashAfter(int batch, params KvRequest[] commands)
    {
        var stateMachine = new StoreStateMachine();
        for (var i = 1; i <= commands.Length; i++)
        {
            var at = new LogIndex((ulong)i);
            stateMachine.Apply(new CommittedCommand(new EntryId(new Term(1), at), StoreStateMachine.EncodeKv(commands[i - 1])));
            if (i % batch == 0)
                stateMachine.BatchApplied(at);
        }

        return stateMachine.StateHistoryDigest;
    }
}
