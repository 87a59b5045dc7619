using System.Collections.Concurrent;
using System.Diagnostics;
using Grpc.Core;
using Quorate.Server.Protos;

namespace Quorate.Server.Tests.Processes;

/// <summary>Reads and writes of one key by several clients, and whether their history is linearizable.</summary>
/// <remarks>
/// The modification revision of the key orders all writes, and places each read behind the write that it returned. So the history is
/// linearizable exactly if that order agrees with time: an operation that ended before another one began has no higher revision, and a
/// lower one if the later operation is a write; and no read returned a write that had not begun.
/// </remarks>
internal sealed class RegisterHistory(ServerCluster cluster, string key)
{
    private readonly ConcurrentQueue<Operation> _operations = new();
    private readonly ConcurrentDictionary<string, long> _begunWrites = new(StringComparer.Ordinal);

    public int Count => _operations.Count;

    /// <summary>Writes values that occur once, until the end. A write that failed may have taken effect.</summary>
    public Task WriteAsync(int client, CancellationToken stop) => RunAsync(client, async (kv, i) =>
    {
        var value = $"{client}-{i}";
        var begin = Stopwatch.GetTimestamp();
        _begunWrites[value] = begin;
        var response = await kv.PutAsync(
            new PutRequest { Key = key.ToByteString(), Value = value.ToByteString() }, deadline: DateTime.UtcNow.AddSeconds(3),
            cancellationToken: CancellationToken.None);
        _operations.Enqueue(new Operation(begin, Stopwatch.GetTimestamp(), response.Header.Revision, value, IsWrite: true));
    }, stop);

    public Task ReadAsync(int client, CancellationToken stop) => RunAsync(client, async (kv, _) =>
    {
        var begin = Stopwatch.GetTimestamp();
        var response = await kv.RangeAsync(
            new RangeRequest { Key = key.ToByteString() }, deadline: DateTime.UtcNow.AddSeconds(3),
            cancellationToken: CancellationToken.None);
        var (revision, value) = response.Kvs is [var found] ? (found.ModRevision, found.Value.ToStringUtf8()) : (0, "");
        _operations.Enqueue(new Operation(begin, Stopwatch.GetTimestamp(), revision, value, IsWrite: false));
    }, stop);

    /// <summary>Fails with the first two operations that contradict each other.</summary>
    public void AssertLinearizable()
    {
        var operations = _operations.ToArray();
        foreach (var group in operations.Where(static o => o.Revision > 0).GroupBy(static o => o.Revision))
            Assert.True(group.Select(static o => o.Value).Distinct().Count() == 1, $"two values at revision {group.Key}");
        foreach (var read in operations.Where(static o => !o.IsWrite && o.Revision > 0))
            Assert.True(_begunWrites[read.Value] <= read.End, $"{read} returned a write that had not begun");

        // In the order of their begins, with the highest revision that had ended by then.
        var ended = new PriorityQueue<Operation, long>(operations.Select(static o => (o, o.End)));
        var newest = default(Operation);
        foreach (var operation in operations.OrderBy(static o => o.Begin))
        {
            while (ended.TryPeek(out var earlier, out var end) && end < operation.Begin)
            {
                ended.Dequeue();
                if (earlier.Revision > newest.Revision)
                    newest = earlier;
            }

            Assert.True(
                operation.Revision > newest.Revision || (operation.Revision == newest.Revision && !operation.IsWrite),
                $"{operation} began after {newest} had ended");
        }
    }

    private async Task RunAsync(int client, Func<KV.KVClient, int, Task> operate, CancellationToken stop)
    {
        var at = client % cluster.Size;
        for (var i = 0; !stop.IsCancellationRequested; i++)
        {
            try
            {
                await operate(cluster.Kv(at + 1), i);
            }
            catch (RpcException)
            {
                at = (at + 1) % cluster.Size;
                await Task.Delay(10, CancellationToken.None);
            }
        }
    }

    private readonly record struct Operation(long Begin, long End, long Revision, string Value, bool IsWrite);
}
