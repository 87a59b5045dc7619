using System.Text;
using Quorate.Kv;
using Quorate.Node;
using Quorate.Raft;
using Client = Quorate.Verification.VirtualClient<Quorate.Verification.Simulation.Store.StoreStateMachine, Quorate.Verification.Simulation.Store.StoreResult>;

namespace Quorate.Verification.Simulation.Store;

/// <summary>What clients of most runs do: append, put, delete, swap, compact, keep leases and read, all of it on so few keys and leases that they meet.</summary>
/// <remarks>
/// Nothing here knows how long a lease lives. Whoever would end one reads it and proposes its end, with the renewal that it has seen, as the leader does when its clock says so; that it
/// does so at any moment is harder than any clock.
/// </remarks>
internal sealed class StoreWorkload(SwarmOptions swarm)
{
    private static readonly string[] Keys = ["k0", "k1", "k2", "k3"];
    private static readonly string[] ListName = ["the list"];
    private static readonly string[] HistoryName = ["what was"];

    /// <summary>Leases are numbered from 1.</summary>
    private static readonly string[] LeaseNames = ["lease 1", "lease 2"];

    /// <summary>Of the revisions that were just seen so many are read once more, and so many stay behind a compaction.</summary>
    private const int RevisionsBackMax = 12;

    /// <summary>Every write writes something of its own, so that whoever reads it knows which write it was.</summary>
    private const ulong PassesPerClientMax = 1_000_000;

    public static SimulationChecks<StoreStateMachine, StoreResult> Checks { get; } = new()
    {
        State = static machine => machine.StateHistoryDigest,
        FinalState = static machine => machine.Store.Hash(),
        ResultsEqual = static (a, b) => a.Digest == b.Digest,
        CheckHistory = StoreHistory.Check,
    };

    public async Task Run(Client client)
    {
        var tag = ((ulong)client.Number * PassesPerClientMax) + (ulong)client.Iteration;
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
                await client.ProposeAsync(StoreStateMachine.EncodeAppend(tag, payload), new StoreRequest(StoreRequestKind.Append, ListName, tag)).ConfigureAwait(false);
                break;
            case < 6:
                await Propose(client, new StoreRequest(StoreRequestKind.Delete, [key]), new DeleteRangeRequest(Single(key))).ConfigureAwait(false);
                break;
            case < 9:
                await Swap(client, key, tag, payload).ConfigureAwait(false);
                break;
            case 9 when swarm.HasMultiKeyOperations:
                var both = new StoreRequest(StoreRequestKind.PutBoth, [Keys[0], Keys[1]], tag);
                await Propose(client, both, new TxnRequest([], [Put(Keys[0], tag, payload / 2), Put(Keys[1], tag, payload / 2)], [])).ConfigureAwait(false);
                break;
            case < 13:
                await UseLease(client, 1 + random.Next(LeaseNames.Length)).ConfigureAwait(false);
                break;
            case 13:
                await Compact(client, key).ConfigureAwait(false);
                break;
            default:
                var lease = LeaseFor(key, random);
                var put = new StoreRequest(StoreRequestKind.Put, [key], tag) { WantsPrevious = random.Next(5) == 0, Lease = lease, TouchedNames = lease == 0 ? [key] : [key, LeaseNames[lease - 1]] };
                await Propose(client, put, Put(key, tag, payload) with { PrevKv = put.WantsPrevious, Lease = lease }).ConfigureAwait(false);
                break;
        }
    }

    /// <summary>Some puts have a lease; unless keys may depend on each other, each lease has one key that it goes with.</summary>
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
                await client.ReadAsync(static machine => StoreHistory.Read(machine.Store, KeyInterval.All), new StoreRequest(StoreRequestKind.GetAll, Keys)).ConfigureAwait(false);
                break;
            case < 4:
                await client.ReadAsync(static machine => new StoreResponse(0, []) { List = machine.List }, new StoreRequest(StoreRequestKind.GetList, ListName)).ConfigureAwait(false);
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

    /// <summary>Reads a key, and then how it was, or what has happened, a little before.</summary>
    private static async Task ReadPast(Client client, string key)
    {
        if (await ReadRecentRevision(client, key).ConfigureAwait(false) is not { } past)
            return;
        if (client.Random.Next(2) == 0)
            await client.ReadAsync(machine => StoreHistory.Read(machine.Store, Single(key), past), new StoreRequest(StoreRequestKind.GetPast, [key]) { PastRevision = past }).ConfigureAwait(false);
        else
            await GetChanges(client, past).ConfigureAwait(false);
    }

    /// <summary>Compacts, and perhaps looks like a watcher that begins where the past does now.</summary>
    private static async Task Compact(Client client, string key)
    {
        if (await ReadRecentRevision(client, key).ConfigureAwait(false) is not { } past)
            return;
        await Propose(client, new StoreRequest(StoreRequestKind.Compact, HistoryName) { PastRevision = past }, new CompactRequest(past)).ConfigureAwait(false);
        if (client.Random.Next(2) == 0)
            await GetChanges(client, past).ConfigureAwait(false);
    }

    private static Task<QueryResult<StoreResponse>> GetChanges(Client client, long since) =>
        client.ReadAsync(machine => StoreHistory.ReadChanges(machine.Store, since), new StoreRequest(StoreRequestKind.GetChanges, Keys) { PastRevision = since });

    /// <summary>One that lies a little before the newest; null when nothing could be read.</summary>
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

    /// <summary>Whoever judged that a lease's time is up may say so long after it, and a renewal may have come between.</summary>
    private static async Task Expire(Client client, int id)
    {
        var read = await GetLease(client, id).ConfigureAwait(false);
        if (read is not { IsGranted: true, Value.Lease: { } lease })
            return;
        if (client.Random.Next(3) == 0)
            await Propose(client, LeaseRequest(StoreRequestKind.Renew, id), new LeaseRenewRequest(id)).ConfigureAwait(false);
        await Propose(client, LeaseRequest(StoreRequestKind.Expire, id) with { RenewalEntry = lease.RenewalEntry }, new LeaseExpireRequest(id, new LogIndex(lease.RenewalEntry))).ConfigureAwait(false);
    }

    private static StoreRequest LeaseRequest(StoreRequestKind kind, int id) => new(kind, [LeaseNames[id - 1]]) { Lease = id };

    private static Task<QueryResult<StoreResponse>> GetLease(Client client, int id) =>
        client.ReadAsync(machine => StoreHistory.ReadLease(machine.Store, id), LeaseRequest(StoreRequestKind.GetLease, id));

    private static Task<QueryResult<StoreResponse>> Get(Client client, string key) =>
        client.ReadAsync(machine => StoreHistory.Read(machine.Store, Single(key)), new StoreRequest(StoreRequestKind.Get, [key]));

    /// <summary>Reads a key and writes it anew, if nobody else has done so meanwhile.</summary>
    private static async Task Swap(Client client, string key, ulong tag, int payload)
    {
        var read = await Get(client, key).ConfigureAwait(false);
        if (!read.IsGranted)
            return;
        var expected = read.Value!.Versions is [var version] ? version.Modified : 0;
        var compare = new KeyCompare(Single(key), CompareTarget.Mod, CompareResult.Equal) { Number = expected };
        var swap = new StoreRequest(StoreRequestKind.Swap, [key], tag) { ExpectedRevision = expected };
        await Propose(client, swap, new TxnRequest([compare], [Put(key, tag, payload)], [new RangeRequest(Single(key))])).ConfigureAwait(false);
    }

    private static Task<ProposalResult<StoreResult>> Propose(Client client, StoreRequest request, KvRequest kv) => client.ProposeAsync(StoreStateMachine.EncodeKv(kv), request);

    private static PutRequest Put(string key, ulong tag, int payload) => new(Encoding.ASCII.GetBytes(key), StoreHistory.Value(tag, payload / 2));

    private static KeyInterval Single(string key) => KeyInterval.Single(Encoding.ASCII.GetBytes(key));
}
