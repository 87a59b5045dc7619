using Google.Protobuf;
using Grpc.Core;
using Quorate.Kv;
using Quorate.Server.Replication;
using Wire = Quorate.Server.Protos;

namespace Quorate.Server.Etcd;

/// <summary>Implements etcd's Lease service for gRPC and the JSON gateway.</summary>
/// <remarks>
/// Grants, revocations and renewals go through the log. The remaining TTL is measured by this member's own clock and may be slightly longer
/// than the leader's. Errors: <see cref="RpcException"/> with etcd's code and text. For an unknown lease, keep-alive
/// returns the TTL 0 and time-to-live the TTL -1 instead of an error, as in etcd.
/// </remarks>
internal sealed class LeaseApi(
    RequestExecutor executor, LeaseRenewals renewals, IStoreReader store, MemberLeaseDeadlines deadlines, ResponseHeaderFactory headers,
    KvLimits limits, TimeSpan electionTimeout)
{
    // The minimum TTL lets a lease outlive an election, after which the new leader can renew it. The factor is etcd's.
    private readonly long _ttlSecondsMin = (long)Math.Ceiling(1.5 * electionTimeout.TotalSeconds);

    /// <summary>Grants a lease with at least the minimum TTL; the server chooses the id if the client did not.</summary>
    public async ValueTask<Wire.LeaseGrantResponse> GrantAsync(Wire.LeaseGrantRequest wire, RequestContext context)
    {
        while (true)
        {
            var id = wire.ID != 0 ? wire.ID : Random.Shared.NextInt64(1, long.MaxValue);
            var request = new LeaseGrantRequest(id, long.Max(wire.TTL, _ttlSecondsMin));
            var result = await ProposeAsync(request, context).ConfigureAwait(false);
            if (result.Error == KvError.LeaseExists && wire.ID == 0)
                continue;
            var granted = (LeaseGrantResponse)RequireSuccess(result);
            return new Wire.LeaseGrantResponse
            {
                Header = headers.At(granted.Revision), ID = granted.Lease.Id, TTL = granted.Lease.TtlSeconds,
            };
        }
    }

    /// <summary>Revokes a lease and deletes its keys.</summary>
    public async ValueTask<Wire.LeaseRevokeResponse> RevokeAsync(Wire.LeaseRevokeRequest wire, RequestContext context)
    {
        var response = RequireSuccess(await ProposeAsync(new LeaseRevokeRequest(wire.ID), context).ConfigureAwait(false));
        return new Wire.LeaseRevokeResponse { Header = headers.At(response.Revision) };
    }

    /// <summary>Renews a lease for its full TTL; returns the TTL 0 if the lease does not exist.</summary>
    public async ValueTask<Wire.LeaseKeepAliveResponse> KeepAliveAsync(Wire.LeaseKeepAliveRequest wire, RequestContext context)
    {
        // The header has the revision before the renewal: the lease existed at that revision. etcd does the same.
        var response = new Wire.LeaseKeepAliveResponse { Header = headers.At(store.Revision), ID = wire.ID };
        response.TTL = await renewals.RenewAsync(wire.ID, context).ConfigureAwait(false);
        return response;
    }

    /// <summary>
    /// Renews the lease of each request of a stream, and sends one response for each, in order. Reads on while renewals are pending.
    /// </summary>
    /// <param name="next">Returns the next request, or null at the end.</param>
    /// <param name="send">Sends a response; false if it may be sent together with the next one, which follows at once.</param>
    /// <param name="context">The call.</param>
    public Task KeepAliveAsync(
        Func<CancellationToken, Task<Wire.LeaseKeepAliveRequest?>> next,
        Func<Wire.LeaseKeepAliveResponse, bool, CancellationToken, Task> send, RequestContext context) =>
        new LeaseKeepAliveStream(
            renewals, id => new Wire.LeaseKeepAliveResponse { Header = headers.At(store.Revision), ID = id }, next, send)
            .RunAsync(context);

    /// <summary>Returns the remaining TTL of a lease, and its keys if requested; returns the TTL -1 if the lease does not exist.</summary>
    public async ValueTask<Wire.LeaseTimeToLiveResponse> TimeToLiveAsync(Wire.LeaseTimeToLiveRequest wire, RequestContext context)
    {
        // Without the read barrier, a lease that was just granted through another member could appear not to exist.
        await executor.ReadBarrierAsync(context).ConfigureAwait(false);
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

    /// <summary>Lists all leases.</summary>
    public async ValueTask<Wire.LeaseLeasesResponse> LeasesAsync(RequestContext context)
    {
        await executor.ReadBarrierAsync(context).ConfigureAwait(false);
        var current = store.Current;
        return new Wire.LeaseLeasesResponse
        {
            Header = headers.At(current.Revision),
            Leases = { current.Leases().Select(lease => new Wire.LeaseStatus { ID = lease.Id }) },
        };
    }

    private async ValueTask<KvResult> ProposeAsync(LeaseRequest request, RequestContext context)
    {
        if (RequestValidator.Validate(request, limits) is { } malformed)
            throw EtcdErrors.From(malformed);
        var command = CommandEncoder.Encode(request, capacity: 32);
        return await executor.ProposeAsync(context, command, request.TakesSpace).ConfigureAwait(false);
    }

    private static KvResponse RequireSuccess(KvResult result) =>
        result.Error is { } error ? throw EtcdErrors.From(error) : result.Response!;
}
