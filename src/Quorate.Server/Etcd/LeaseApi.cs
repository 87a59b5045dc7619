using System.Buffers;
using Google.Protobuf;
using Grpc.Core;
using Quorate.Kv;
using Quorate.Server.Replication;
using Wire = Quorate.Server.Protos;

namespace Quorate.Server.Etcd;

/// <summary>What etcd's Lease service does, whichever way a request came: gRPC or JSON.</summary>
/// <remarks>
/// Granting, revoking and renewing go through the log. How much time is left is this member's own judgement, which may be a little more than
/// the leader's. Errors: <see cref="RpcException"/> with etcd's code and text; an unknown lease is none where etcd answers a time instead.
/// </remarks>
internal sealed class LeaseApi(
    RequestExecutor executor, IStoreReader store, LeaseDeadlines deadlines, ResponseHeaders headers, KvLimits limits, TimeSpan electionTimeout)
{
    // So that a lease outlives the election of a leader who could renew it. The factor is etcd's.
    private readonly long _ttlSecondsMin = (long)Math.Ceiling(1.5 * electionTimeout.TotalSeconds);

    /// <summary>Makes a lease, of at least the least time; the id is ours to choose when the client chose none.</summary>
    public async ValueTask<Wire.LeaseGrantResponse> GrantAsync(Wire.LeaseGrantRequest wire)
    {
        while (true)
        {
            var id = wire.ID != 0 ? wire.ID : Random.Shared.NextInt64(1, long.MaxValue);
            var result = await ProposeAsync(new LeaseGrantRequest(id, long.Max(wire.TTL, _ttlSecondsMin))).ConfigureAwait(false);
            if (result.Error == KvError.LeaseExists && wire.ID == 0)
                continue;
            var granted = (LeaseGrantResponse)RequireSuccess(result);
            return new Wire.LeaseGrantResponse { Header = headers.At(granted.Revision), ID = granted.Lease.Id, TTL = granted.Lease.TtlSeconds };
        }
    }

    /// <summary>Ends a lease and deletes its keys.</summary>
    public async ValueTask<Wire.LeaseRevokeResponse> RevokeAsync(Wire.LeaseRevokeRequest wire)
    {
        var response = RequireSuccess(await ProposeAsync(new LeaseRevokeRequest(wire.ID)).ConfigureAwait(false));
        return new Wire.LeaseRevokeResponse { Header = headers.At(response.Revision) };
    }

    /// <summary>Lets a lease begin its time anew; 0 is the time of one that does not exist.</summary>
    public async ValueTask<Wire.LeaseKeepAliveResponse> KeepAliveAsync(Wire.LeaseKeepAliveRequest wire)
    {
        // The revision before: that much is known to have happened while the lease still lived. etcd does the same.
        var response = new Wire.LeaseKeepAliveResponse { Header = headers.At(store.Revision), ID = wire.ID };
        var result = await ProposeAsync(new LeaseRenewRequest(wire.ID)).ConfigureAwait(false);
        if (result.Error != KvError.LeaseNotFound)
            response.TTL = ((LeaseRenewResponse)RequireSuccess(result)).Lease.TtlSeconds;
        return response;
    }

    /// <summary>How much time a lease has left, and its keys if asked; -1 is the time of one that does not exist.</summary>
    public async ValueTask<Wire.LeaseTimeToLiveResponse> TimeToLiveAsync(Wire.LeaseTimeToLiveRequest wire)
    {
        // A lease that another member has just granted must not look like one that is gone.
        await executor.ReadBarrierAsync().ConfigureAwait(false);
        var current = store.Current;
        var response = new Wire.LeaseTimeToLiveResponse { Header = headers.At(current.Revision), ID = wire.ID, TTL = -1 };
        if (current.GetLease(wire.ID) is not { } lease || deadlines.Remaining(wire.ID) is not { } remaining)
            return response;

        response.GrantedTTL = lease.TtlSeconds;
        response.TTL = (long)remaining.TotalSeconds;
        if (wire.Keys)
            response.Keys.AddRange(current.LeaseKeys(wire.ID).Select(UnsafeByteOperations.UnsafeWrap));
        return response;
    }

    /// <summary>All leases.</summary>
    public async ValueTask<Wire.LeaseLeasesResponse> LeasesAsync()
    {
        await executor.ReadBarrierAsync().ConfigureAwait(false);
        var current = store.Current;
        return new Wire.LeaseLeasesResponse
        {
            Header = headers.At(current.Revision),
            Leases = { current.Leases().Select(lease => new Wire.LeaseStatus { ID = lease.Id }) },
        };
    }

    private async ValueTask<KvResult> ProposeAsync(LeaseRequest request)
    {
        if (RequestValidator.Validate(request, limits) is { } malformed)
            throw EtcdErrors.From(malformed);
        var command = new ArrayBufferWriter<byte>(32);
        KvCommand.Encode(request, command);
        return await executor.ProposeAsync(command.WrittenMemory).ConfigureAwait(false);
    }

    private static KvResponse RequireSuccess(KvResult result) =>
        result.Error is { } error ? throw EtcdErrors.From(error) : result.Response!;
}
