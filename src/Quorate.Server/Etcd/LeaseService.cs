using Grpc.Core;
using Quorate.Server.Protos;

namespace Quorate.Server.Etcd;

/// <summary>Exposes <see cref="LeaseApi"/> as etcd's gRPC Lease service.</summary>
internal sealed class LeaseService(LeaseApi api, StreamCancellationMonitor guard) : Lease.LeaseBase
{
    /// <inheritdoc/>
    public override Task<LeaseGrantResponse> LeaseGrant(LeaseGrantRequest request, ServerCallContext context) =>
        api.GrantAsync(request, RequestContext.From(context)).AsTask();

    /// <inheritdoc/>
    public override Task<LeaseRevokeResponse> LeaseRevoke(LeaseRevokeRequest request, ServerCallContext context) =>
        api.RevokeAsync(request, RequestContext.From(context)).AsTask();

    /// <inheritdoc/>
    public override Task<LeaseTimeToLiveResponse> LeaseTimeToLive(LeaseTimeToLiveRequest request, ServerCallContext context) =>
        api.TimeToLiveAsync(request, RequestContext.From(context)).AsTask();

    /// <inheritdoc/>
    public override Task<LeaseLeasesResponse> LeaseLeases(LeaseLeasesRequest request, ServerCallContext context) =>
        api.LeasesAsync(RequestContext.From(context)).AsTask();

    /// <summary>
    /// Renews the lease named by each request and sends one response for each, in order, until the client completes its stream or the guard
    /// ends it (server stopping, or no leader when the client requires one). Reads on while renewals are pending.
    /// </summary>
    public override Task LeaseKeepAlive(
        IAsyncStreamReader<LeaseKeepAliveRequest> requestStream, IServerStreamWriter<LeaseKeepAliveResponse> responseStream,
        ServerCallContext context) =>
        guard.RunAsync(
            requestStream, responseStream, context, (stream, call) => api.KeepAliveAsync(stream.NextAsync, stream.SendAsync, call));
}
