using System.Text;
using Quorate.Kv;
using Quorate.Node;
using Client = Quorate.Verification.VirtualClient<Quorate.Verification.Simulation.Store.StoreMachine, Quorate.Verification.Simulation.Store.StoreResult>;

namespace Quorate.Verification.Simulation.Store;

/// <summary>What clients of most runs do: append, put, delete, swap and read, all of it on so few keys that they meet.</summary>
internal sealed class StoreWorkload(Weather weather)
{
    private static readonly string[] Keys = ["k0", "k1", "k2", "k3"];
    private static readonly string[] List = ["the list"];

    /// <summary>Every write writes something of its own, so that whoever reads it knows which write it was.</summary>
    private const ulong PassesMax = 1_000_000;

    public static Checks<StoreMachine, StoreResult> Checks { get; } = new()
    {
        State = static machine => machine.States,
        FinalState = static machine => machine.Store.Hash(),
        SameResult = static (a, b) => a.Digest == b.Digest,
        History = StoreHistory.Check,
    };

    public async Task Run(Client client)
    {
        var tag = ((ulong)client.Number * PassesMax) + (ulong)client.Pass;
        var random = client.Random;
        var key = Keys[random.Next(Keys.Length)];
        var payload = random.Next(weather.PayloadBytesMax);
        if (random.Next(1000) < weather.Reads)
        {
            await Read(client, key).ConfigureAwait(false);
            return;
        }

        switch (random.Next(10))
        {
            case < 2:
                await client.ProposeAsync(StoreMachine.Append(tag, payload), new StoreRequest(StoreRequestKind.Append, List, tag)).ConfigureAwait(false);
                break;
            case 2:
                await Propose(client, new StoreRequest(StoreRequestKind.Delete, [key]), new DeleteRangeRequest(Single(key))).ConfigureAwait(false);
                break;
            case < 5:
                await Swap(client, key, tag, payload).ConfigureAwait(false);
                break;
            case 5 when weather.TouchesSeveralKeys:
                var both = new StoreRequest(StoreRequestKind.PutBoth, [Keys[0], Keys[1]], tag);
                await Propose(client, both, new TxnRequest([], [Put(Keys[0], tag, payload / 2), Put(Keys[1], tag, payload / 2)], [])).ConfigureAwait(false);
                break;
            default:
                var put = new StoreRequest(StoreRequestKind.Put, [key], tag) { WantsPrevious = random.Next(5) == 0 };
                await Propose(client, put, Put(key, tag, payload) with { PrevKv = put.WantsPrevious }).ConfigureAwait(false);
                break;
        }
    }

    private Task<ReadAnswer<StoreResponse>> Read(Client client, string key) => client.Random.Next(20) switch
    {
        0 when weather.TouchesSeveralKeys =>
            client.ReadAsync(static machine => StoreHistory.Read(machine.Store, KeyInterval.All), new StoreRequest(StoreRequestKind.GetAll, Keys)),
        < 5 => client.ReadAsync(static machine => new StoreResponse(0, []) { List = machine.List }, new StoreRequest(StoreRequestKind.GetList, List)),
        _ => Get(client, key),
    };

    private static Task<ReadAnswer<StoreResponse>> Get(Client client, string key) =>
        client.ReadAsync(machine => StoreHistory.Read(machine.Store, Single(key)), new StoreRequest(StoreRequestKind.Get, [key]));

    /// <summary>Reads a key and writes it anew, if nobody else has done so meanwhile.</summary>
    private static async Task Swap(Client client, string key, ulong tag, int payload)
    {
        var read = await Get(client, key).ConfigureAwait(false);
        if (!read.IsGranted)
            return;
        var expected = read.Value!.Seen is [var version] ? version.Modified : 0;
        var compare = new KeyCompare(Single(key), CompareTarget.Mod, CompareResult.Equal) { Number = expected };
        var swap = new StoreRequest(StoreRequestKind.Swap, [key], tag) { Expected = expected };
        await Propose(client, swap, new TxnRequest([compare], [Put(key, tag, payload)], [new RangeRequest(Single(key))])).ConfigureAwait(false);
    }

    private static Task<ProposalResult<StoreResult>> Propose(Client client, StoreRequest request, KvRequest kv) => client.ProposeAsync(StoreMachine.Kv(kv), request);

    private static PutRequest Put(string key, ulong tag, int payload) => new(Encoding.ASCII.GetBytes(key), StoreHistory.Value(tag, payload / 2));

    private static KeyInterval Single(string key) => KeyInterval.Single(Encoding.ASCII.GetBytes(key));
}
