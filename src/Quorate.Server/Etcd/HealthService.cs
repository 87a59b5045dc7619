using Grpc.Core;
using Quorate.Kv;
using Quorate.Node;
using Quorate.Server.Protos;
using ServingStatus = Quorate.Server.Protos.HealthCheckResponse.Types.ServingStatus;

namespace Quorate.Server.Etcd;

/// <summary>Implements gRPC's health checking protocol, with the verdicts of the HTTP endpoints.</summary>
/// <remarks>
/// <code>
///   ""       readiness, as /readyz: SERVING if a linearizable read succeeds and the commit index moves
///   readyz   the same
///   livez    liveness, as /livez: always SERVING. A supervisor that restarts members because of lost quorum makes an outage worse
/// </code>
/// Watch follows the leader and makes no reads. Errors: NotFound for another service name, with the text of grpc-go.
/// Source: gRPC health checking protocol; etcd serves the name "" only.
/// </remarks>
internal sealed class HealthService(HealthVerdict health, IRaftNode<KvResult> node, StreamCancellationMonitor guard) : Health.HealthBase
{
    private const string Liveness = "livez";
    private static readonly string[] Readiness = ["", "readyz"];

    /// <inheritdoc/>
    public override async Task<HealthCheckResponse> Check(HealthCheckRequest request, ServerCallContext context)
    {
        if (request.Service == Liveness)
            return Response(isServing: true);
        if (!Readiness.Contains(request.Service))
            throw EtcdErrors.UnknownHealthService();
        return Response(await health.FindFailureAsync(RequestContext.From(context)).ConfigureAwait(false) is null);
    }

    /// <inheritdoc/>
    public override async Task<HealthListResponse> List(HealthListRequest request, ServerCallContext context)
    {
        var isReady = await health.FindFailureAsync(RequestContext.From(context)).ConfigureAwait(false) is null;
        var response = new HealthListResponse { Statuses = { [Liveness] = Response(isServing: true) } };
        foreach (var service in Readiness)
            response.Statuses.Add(service, Response(isReady));
        return response;
    }

    /// <inheritdoc/>
    public override Task Watch(
        HealthCheckRequest request, IServerStreamWriter<HealthCheckResponse> responseStream, ServerCallContext context) =>
        guard.RunAsync(NoRequests<HealthCheckRequest>.Instance, responseStream, context, (stream, call) =>
            Readiness.Contains(request.Service)
                ? WatchReadinessAsync(stream, call.Cancellation)
                : SendConstantAsync(
                    stream, request.Service == Liveness ? ServingStatus.Serving : ServingStatus.ServiceUnknown, call.Cancellation));

    private async Task WatchReadinessAsync(GrpcStream<HealthCheckRequest, HealthCheckResponse> stream, CancellationToken cancellation)
    {
        bool? sent = null;
        await foreach (var status in node.WatchLeadershipAsync(cancellation).ConfigureAwait(false))
        {
            var isServing = status is { HasLeader: true, Quarantine: null };
            if (sent == isServing)
                continue;
            sent = isServing;
            await stream.SendAsync(Response(isServing), cancellation).ConfigureAwait(false);
        }
    }

    private static async Task SendConstantAsync(
        GrpcStream<HealthCheckRequest, HealthCheckResponse> stream, ServingStatus status, CancellationToken cancellation)
    {
        await stream.SendAsync(new HealthCheckResponse { Status = status }, cancellation).ConfigureAwait(false);
        await Task.Delay(Timeout.Infinite, cancellation).ConfigureAwait(false);
    }

    private static HealthCheckResponse Response(bool isServing) =>
        new() { Status = isServing ? ServingStatus.Serving : ServingStatus.NotServing };
}
