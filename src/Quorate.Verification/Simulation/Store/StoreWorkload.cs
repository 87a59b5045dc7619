using System.Text;
using Quorate.Kv;
using Quorate.Node;
using Quorate.Raft;
using Client = Quorate.Verification.VirtualClient<
    Quorate.Verification.Simulation.Store.StoreStateMachine, Quorate.Verification.Simulation.Store.StoreResult>;

namespace Quorate.Verification.Simulation.Store;

/// <summary>
/// The workload of <see cref="KvSimulation"/>: clients append, put, delete, swap, compact, use leases and read, on so few keys and leases
/// that they conflict.
/// </summary>
/// <remarks>
/// The workload ignores the time to live of most leases. To expire one, a client reads it and proposes its end together with the renewal
/// that it read, as the leader does when the lease has expired by its clock. Expiries at arbitrary times test more than a clock could.
/// Timed leases are only granted and renewed by clients; <see cref="SimulatedLeaseReaper"/> ends them.
/// </remarks>
internal sealed class StoreWorkload(SwarmOptions swarm)
{
    private static readonly string[] Keys = ["k0", "k1", "k2", "k3"];
    private static readonly string[] ListName = ["the list"];
    private static readonly string[] HistoryName = ["what was"];

    /// <summary>The names of the leases, whose ids count from 1.</summary>
    private static readonly string[] LeaseNames = ["lease 1", "lease 2"];

    /// <summary>The first id of the leases that only a reaper ends, and their names.</summary>
    private const int FirstTimedLease = 11;
    private static readonly string[] TimedLeaseNames = ["lease 11", "lease 12", "lease 13", "lease 14"];

    /// <summary>The longest time to live of a timed lease: longer than most members run, and shorter than most runs.</summary>
    private const int TimedLeaseSecondsMax = 12;

    /// <summary>How many revisions before the newest one reads of the past and compactions go back at most.</summary>
    private const int RevisionsBackMax = 12;

    /// <summary>The limit of iterations of a client. Every write writes a value of its own, so that a read identifies the write.</summary>
    private const ulong IterationsPerClientMax = 1_000_000;

    public static SimulationChecks<StoreStateMachine, StoreResult> Checks { get; } = new()
    {
        State = static stateMachine => stateMachine.StateHistoryDigest,
        FinalState = static stateMachine => stateMachine.Store.Hash(),
        SnapshotState = static stateMachine => stateMachine.WholeStateDigest,
        ResultsEqual = static (a, b) => a.Digest == b.Digest,
        CheckHistory = StoreHistoryChecker.Check,
    };

    /// <summary>Whether only a reaper ends a lease.</summary>
    public static bool IsTimed(long lease) => lease >= FirstTimedLease;

    /// <summary>The request of a reaper that ends a lease.</summary>
    public static StoreRequest ExpireRequest(Lease lease) =>
        LeaseRequest(StoreRequestKind.Expire, (int)lease.Id) with { RenewalEntry = lease.RenewedAt.Value };

    public async Task Run(Client client)
    {
        var tag = ((ulong)client.Number * IterationsPerClientMax) + (ulong)client.Iteration;
        var random = client.Random;
        var key = Keys[random.Next(Keys.Length)];
        var payload = random.Next(swarm.PayloadBytesMax);
        if (random.Next(1000) < swarm.ReadsPerMille)
        {
            await Read(client, key).ConfigureAwait(false);
            return;
        }

        switch (random.Next(20))
        {
            case < 4:
                var append = new StoreRequest(StoreRequestKind.Append, ListName, tag);
                await client.ProposeAsync(StoreStateMachine.EncodeAppend(tag, payload), append).ConfigureAwait(false);
                break;
            case < 6:
                var delete = new StoreRequest(StoreRequestKind.Delete, [key]);
                await Propose(client, delete, new DeleteRangeRequest(Single(key))).ConfigureAwait(false);
                break;
            case < 9:
                await Swap(client, key, tag, payload).ConfigureAwait(false);
                break;
            case 9 when swarm.HasMultiKeyOperations:
                var both = new StoreRequest(StoreRequestKind.PutBoth, [Keys[0], Keys[1]], tag);
                KvOperation[] puts = [Put(Keys[0], tag, payload / 2), Put(Keys[1], tag, payload / 2)];
                await Propose(client, both, new TxnRequest([], puts, [])).ConfigureAwait(false);
                break;
            case < 13 when swarm.HasTimedLeases && random.Next(2) == 0:
                await UseTimedLease(client).ConfigureAwait(false);
                break;
            case < 13:
                await UseLease(client, 1 + random.Next(LeaseNames.Length)).ConfigureAwait(false);
                break;
            case 13:
                await Compact(client, key).ConfigureAwait(false);
                break;
            default:
                var lease = LeaseFor(key, random);
                var put = new StoreRequest(StoreRequestKind.Put, [key], tag)
                {
                    WantsPrevious = random.Next(5) == 0,
                    Lease = lease,
                    TouchedNames = lease == 0 ? [key] : [key, LeaseNames[lease - 1]],
                };
                await Propose(client, put, Put(key, tag, payload) with { PrevKv = put.WantsPrevious, Lease = lease }).ConfigureAwait(false);
                break;
        }
    }

    /// <summary>
    /// Draws the lease of a put; 0 for none. Without operations on several keys each lease is used for one key only, so that keys stay
    /// independent.
    /// </summary>
    private int LeaseFor(string key, Random random)
    {
        var lease = swarm.HasMultiKeyOperations ? 1 + random.Next(LeaseNames.Length) : 1 + Array.IndexOf(Keys, key);
        return random.Next(2) == 0 && lease <= LeaseNames.Length ? lease : 0;
    }

    private async Task Read(Client client, string key)
    {
        switch (client.Random.Next(20))
        {
            case 0 when swarm.HasMultiKeyOperations:
                var getAll = new StoreRequest(StoreRequestKind.GetAll, Keys);
                await client.ReadAsync(static s => StoreHistoryChecker.Read(s.Store, KeyInterval.All), getAll).ConfigureAwait(false);
                break;
            case < 4:
                var getList = new StoreRequest(StoreRequestKind.GetList, ListName);
                await client.ReadAsync(static s => new StoreResponse(0, []) { List = s.List }, getList).ConfigureAwait(false);
                break;
            case 4:
                await GetLease(client, 1 + client.Random.Next(LeaseNames.Length)).ConfigureAwait(false);
                break;
            case < 7:
                await ReadPast(client, key).ConfigureAwait(false);
                break;
            default:
                await Get(client, key).ConfigureAwait(false);
                break;
        }
    }

    /// <summary>Reads a key, and then its value at a recent past revision, or the changes since then.</summary>
    private static async Task ReadPast(Client client, string key)
    {
        if (await ReadRecentRevision(client, key).ConfigureAwait(false) is not { } past)
            return;
        if (client.Random.Next(2) == 0)
        {
            var request = new StoreRequest(StoreRequestKind.GetPast, [key]) { PastRevision = past };
            await client.ReadAsync(stateMachine => StoreHistoryChecker.Read(stateMachine.Store, Single(key), past), request)
                .ConfigureAwait(false);
        }
        else
        {
            await GetChanges(client, past).ConfigureAwait(false);
        }
    }

    /// <summary>
    /// Compacts at a recent revision, and then in half of the cases reads the changes since it, as a watcher does that starts there.
    /// </summary>
    private static async Task Compact(Client client, string key)
    {
        if (await ReadRecentRevision(client, key).ConfigureAwait(false) is not { } past)
            return;
        var compact = new StoreRequest(StoreRequestKind.Compact, HistoryName) { PastRevision = past };
        await Propose(client, compact, new CompactRequest(past)).ConfigureAwait(false);
        if (client.Random.Next(2) == 0)
            await GetChanges(client, past).ConfigureAwait(false);
    }

    private static Task<QueryResult<StoreResponse>> GetChanges(Client client, long since)
    {
        var wantsPrevious = client.Random.Next(2) == 0;
        return client.ReadAsync(
            stateMachine => StoreHistoryChecker.ReadChanges(stateMachine.Store, since, wantsPrevious),
            new StoreRequest(StoreRequestKind.GetChanges, Keys) { PastRevision = since, WantsPrevious = wantsPrevious });
    }

    /// <summary>Reads the newest revision and draws one shortly before it; null if the read did not succeed.</summary>
    private static async Task<long?> ReadRecentRevision(Client client, string key)
    {
        var read = await Get(client, key).ConfigureAwait(false);
        return read.IsGranted ? Math.Max(1, read.Value!.Revision - client.Random.Next(RevisionsBackMax)) : null;
    }

    private static async Task UseLease(Client client, int id)
    {
        switch (client.Random.Next(8))
        {
            case < 3:
                var grant = LeaseRequest(StoreRequestKind.Grant, id) with { Ttl = client.Random.Next(1, 100) };
                await Propose(client, grant, new LeaseGrantRequest(id, grant.Ttl)).ConfigureAwait(false);
                break;
            case < 5:
                await Propose(client, LeaseRequest(StoreRequestKind.Renew, id), new LeaseRenewRequest(id)).ConfigureAwait(false);
                break;
            case 5:
                await Propose(client, LeaseRequest(StoreRequestKind.Revoke, id), new LeaseRevokeRequest(id)).ConfigureAwait(false);
                break;
            default:
                await Expire(client, id).ConfigureAwait(false);
                break;
        }
    }

    private static async Task UseTimedLease(Client client)
    {
        var random = client.Random;
        var id = FirstTimedLease + random.Next(TimedLeaseNames.Length);
        switch (random.Next(8))
        {
            case < 4:
                var grant = LeaseRequest(StoreRequestKind.Grant, id) with { Ttl = random.Next(1, TimedLeaseSecondsMax + 1) };
                await Propose(client, grant, new LeaseGrantRequest(id, grant.Ttl)).ConfigureAwait(false);
                break;
            case 4:
                long[] ids = [id, FirstTimedLease + random.Next(TimedLeaseNames.Length)];
                var renew = new StoreRequest(StoreRequestKind.RenewMany, [.. ids.Select(NameOf)]) { Leases = ids };
                await Propose(client, renew, new LeaseRenewManyRequest(ids)).ConfigureAwait(false);
                break;
            default:
                await GetLease(client, id).ConfigureAwait(false);
                break;
        }
    }

    private static string NameOf(long lease) =>
        IsTimed(lease) ? TimedLeaseNames[lease - FirstTimedLease] : LeaseNames[lease - 1];

    /// <summary>
    /// Reads a lease and proposes its expiry, in a third of the cases after a renewal: a leader's expiry may also be late.
    /// </summary>
    private static async Task Expire(Client client, int id)
    {
        var read = await GetLease(client, id).ConfigureAwait(false);
        if (read is not { IsGranted: true, Value.Lease: { } lease })
            return;
        if (client.Random.Next(3) == 0)
            await Propose(client, LeaseRequest(StoreRequestKind.Renew, id), new LeaseRenewRequest(id)).ConfigureAwait(false);
        var expire = LeaseRequest(StoreRequestKind.Expire, id) with { RenewalEntry = lease.RenewalEntry };
        await Propose(client, expire, new LeaseExpireRequest(id, new LogIndex(lease.RenewalEntry))).ConfigureAwait(false);
    }

    private static StoreRequest LeaseRequest(StoreRequestKind kind, int id) => new(kind, [NameOf(id)]) { Lease = id };

    private static Task<QueryResult<StoreResponse>> GetLease(Client client, int id) =>
        client.ReadAsync(stateMachine => StoreHistoryChecker.ReadLease(stateMachine.Store, id),
            LeaseRequest(StoreRequestKind.GetLease, id));

    private static Task<QueryResult<StoreResponse>> Get(Client client, string key) =>
        client.ReadAsync(stateMachine => StoreHistoryChecker.Read(stateMachine.Store, Single(key)),
            new StoreRequest(StoreRequestKind.Get, [key]));

    /// <summary>Reads a key and overwrites it, unless another client has changed it in between.</summary>
    private static async Task Swap(Client client, string key, ulong tag, int payload)
    {
        var read = await Get(client, key).ConfigureAwait(false);
        if (!read.IsGranted)
            return;
        var expected = read.Value!.Versions is [var version] ? version.Modified : 0;
        var compare = new KeyCompare(Single(key), CompareTarget.Mod, CompareResult.Equal) { Number = expected };
        var swap = new StoreRequest(StoreRequestKind.Swap, [key], tag) { ExpectedRevision = expected };
        var txn = new TxnRequest([compare], [Put(key, tag, payload)], [new RangeRequest(Single(key))]);
        await Propose(client, swap, txn).ConfigureAwait(false);
    }

    private static Task<ProposalResult<StoreResult>> Propose(Client client, StoreRequest request, KvRequest kv) =>
        client.ProposeAsync(StoreStateMachine.EncodeKv(kv), request);

    private static PutRequest Put(string key, ulong tag, int payload) =>
        new(Encoding.ASCII.GetBytes(key), StoreHistoryChecker.Value(tag, payload / 2));

    private static KeyInterval Single(string key) => KeyInterval.Single(Encoding.ASCII.GetBytes(key));
}
