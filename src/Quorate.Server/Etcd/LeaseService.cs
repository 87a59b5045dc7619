using Grpc.Core;
using Quorate.Server.Protos;

namespace Quorate.Server.Etcd;

/// <summary>etcd's Lease service over gRPC.</summary>
internal sealed class LeaseService(LeaseApi api, StreamGuard guard) : Lease.LeaseBase
{
    /// <inheritdoc/>
    public override Task<LeaseGrantResponse> LeaseGrant(LeaseGrantRequest request, ServerCallContext context) =>
        api.GrantAsync(request).AsTask();

    /// <inheritdoc/>
    public override Task<LeaseRevokeResponse> LeaseRevoke(LeaseRevokeRequest request, ServerCallContext context) =>
        api.RevokeAsync(request).AsTask();

    /// <inheritdoc/>
    public override Task<LeaseTimeToLiveResponse> LeaseTimeToLive(LeaseTimeToLiveRequest request, ServerCallContext context) =>
        api.TimeToLiveAsync(request).AsTask();

    /// <inheritdoc/>
    public override Task<LeaseLeasesResponse> LeaseLeases(LeaseLeasesRequest request, ServerCallContext context) =>
        api.LeasesAsync().AsTask();

    /// <summary>Renews the lease of each request in order, until the client completes its stream.</summary>
    public override Task LeaseKeepAlive(
        IAsyncStreamReader<LeaseKeepAliveRequest> requestStream, IServerStreamWriter<LeaseKeepAliveResponse> responseStream,
        ServerCallContext context) =>
        guard.RunAsync(context, async cancellation =>
        {
            while (await requestStream.NextAsync(cancellation).ConfigureAwait(false) is { } request)
            {
                var response = await api.KeepAliveAsync(request).ConfigureAwait(false);
                await responseStream.SendAsync(response, cancellation).ConfigureAwait(false);
            }
        });
}
