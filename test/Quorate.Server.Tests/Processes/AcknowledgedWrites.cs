using System.Collections.Concurrent;
using Grpc.Core;
using Quorate.Server.Protos;

namespace Quorate.Server.Tests.Processes;

/// <summary>Writers that go on whatever happens to the members, and remember what was acknowledged: all of it must be there
/// afterwards.</summary>
internal sealed class AcknowledgedWrites(ServerCluster cluster)
{
    private readonly ConcurrentDictionary<string, string> _acknowledged = new(StringComparer.Ordinal);

    public int Count => _acknowledged.Count;

    /// <summary>Writes new keys, at one member as long as it responds, until it is stopped.</summary>
    /// <param name="writer">The number of the writer, a part of its keys.</param>
    /// <param name="stop">Stops the writer.</param>
    /// <param name="pause">The time between two writes.</param>
    public async Task WriteAsync(int writer, CancellationToken stop, TimeSpan pause = default)
    {
        var at = writer % cluster.Size;
        for (var i = 0; !stop.IsCancellationRequested; i++)
        {
            var (key, value) = ($"w{writer:00}/{i:000000}", $"{writer}-{i}-{Guid.NewGuid():n}");
            try
            {
                await cluster.Kv(at + 1).PutAsync(
                    new PutRequest { Key = key.ToByteString(), Value = value.ToByteString() }, deadline: DateTime.UtcNow.AddSeconds(3),
                    cancellationToken: CancellationToken.None);
                _acknowledged[key] = value;
                if (pause > TimeSpan.Zero)
                    await Task.Delay(pause, CancellationToken.None);
            }
            catch (RpcException)
            {
                at = (at + 1) % cluster.Size;
                await Task.Delay(10, CancellationToken.None);
            }
        }
    }

    /// <summary>Every acknowledged write is on every member, and the hashes of all members are equal.</summary>
    public async Task AssertNothingIsLostAsync()
    {
        var revision = (await cluster.Kv(1).RangeAsync(new RangeRequest { Key = "k".ToByteString() })).Header.Revision;
        var hashes = new List<uint>();
        foreach (var number in cluster.Numbers)
        {
            await AssertNothingIsLostAsync(number);
            hashes.Add((await cluster.Maintenance(number).HashKVAsync(new HashKVRequest { Revision = revision })).Hash);
        }

        Assert.Single(hashes.Distinct());
    }

    /// <summary>Every write that is acknowledged by now is on one member.</summary>
    public async Task AssertNothingIsLostAsync(int number)
    {
        var expected = _acknowledged.ToArray();

        // A linearizable read first, so that the member has applied everything.
        await cluster.Kv(number).RangeAsync(new RangeRequest { Key = "k".ToByteString() });
        var held = (await cluster.ReadAllAsync(number)).Kvs.ToDictionary(
            static kv => kv.Key.ToStringUtf8(), static kv => kv.Value.ToStringUtf8(), StringComparer.Ordinal);
        Assert.DoesNotContain(expected, write => !held.TryGetValue(write.Key, out var value) || value != write.Value);
    }
}
