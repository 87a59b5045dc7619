using Google.Protobuf;
using Grpc.Core;
using Quorate.Server.Protos;

namespace Quorate.Cli.Bench;

/// <summary>One kind of request of one client. The message is built once and reused; only its key changes.</summary>
internal abstract class BenchOperation(BenchKeys keys)
{
    public abstract BenchOperationKind Kind { get; }

    protected BenchKeys Keys { get; } = keys;

    /// <summary>Chooses a key, sends the request and waits for the response.</summary>
    public abstract Task RunAsync(KV.KVClient client, CallOptions call);
}

/// <summary>Puts a key.</summary>
internal sealed class PutOperation(BenchKeys keys, ByteString value) : BenchOperation(keys)
{
    private readonly PutRequest _request = new() { Key = keys.Current, Value = value };

    public override BenchOperationKind Kind => BenchOperationKind.Put;

    public override async Task RunAsync(KV.KVClient client, CallOptions call)
    {
        Keys.Draw();
        await client.PutAsync(_request, call).ConfigureAwait(false);
    }
}

/// <summary>Reads one key, a limited number of keys starting at a key, or the keys under a prefix.</summary>
internal sealed class RangeOperation : BenchOperation
{
    private readonly RangeRequest _request;

    public RangeOperation(BenchKeys keys, BenchOptions options)
        : base(keys)
    {
        _request = new RangeRequest { Key = keys.Current, Serializable = options.Serializable, Limit = options.Limit };
        if (options.Prefix is { } prefix)
        {
            _request.Key = ByteString.CopyFromUtf8(prefix);
            _request.RangeEnd = BenchKeys.EndOfPrefix(prefix);
        }
        else if (options.Limit > 0)
        {
            _request.RangeEnd = BenchKeys.FromKeyOn;
        }
    }

    public override BenchOperationKind Kind => BenchOperationKind.Range;

    /// <summary>The number of keys returned so far, reported so that a bench that reads missing keys is noticed.</summary>
    public long KeysRead { get; private set; }

    public override async Task RunAsync(KV.KVClient client, CallOptions call)
    {
        Keys.Draw();
        var response = await client.RangeAsync(_request, call).ConfigureAwait(false);
        KeysRead += response.Kvs.Count;
    }
}

/// <summary>Puts a key if its revision is unchanged since this bench last read it; otherwise reads the key to learn its revision.</summary>
internal sealed class TxnOperation : BenchOperation
{
    private readonly TxnRequest _request = new();
    private readonly Compare _unchanged;
    private readonly long[] _revisions;

    /// <param name="keys">The client's keys.</param>
    /// <param name="value">The value to write.</param>
    /// <param name="revisions">The last known revision of each key in the key space, shared by all clients.</param>
    public TxnOperation(BenchKeys keys, ByteString value, long[] revisions)
        : base(keys)
    {
        _revisions = revisions;
        _unchanged = new Compare { Key = keys.Current, Target = Compare.Types.CompareTarget.Mod };
        _request.Compare.Add(_unchanged);
        _request.Success.Add(new RequestOp { RequestPut = new PutRequest { Key = keys.Current, Value = value } });
        _request.Failure.Add(new RequestOp { RequestRange = new RangeRequest { Key = keys.Current } });
    }

    public override BenchOperationKind Kind => BenchOperationKind.Txn;

    /// <summary>The number of transactions that found a changed revision and read the key.</summary>
    public long Conflicts { get; private set; }

    public override async Task RunAsync(KV.KVClient client, CallOptions call)
    {
        var key = Keys.Draw();
        _unchanged.ModRevision = Volatile.Read(ref _revisions[key]);
        var response = await client.TxnAsync(_request, call).ConfigureAwait(false);
        if (response.Succeeded)
        {
            Volatile.Write(ref _revisions[key], response.Header.Revision);
            return;
        }

        Conflicts++;
        var found = response.Responses[0].ResponseRange.Kvs;
        Volatile.Write(ref _revisions[key], found.Count == 0 ? 0 : found[0].ModRevision);
    }
}
