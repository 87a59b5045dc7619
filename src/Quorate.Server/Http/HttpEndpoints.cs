using Quorate.Server.Etcd;
using Quorate.Server.Hosting;

namespace Quorate.Server.Http;

/// <summary>
/// Routes HTTP requests other than gRPC: health endpoints, <c>/quorate/health</c>, <c>/metrics</c>, <c>/version</c> and the JSON gateway.
/// </summary>
internal sealed class HttpEndpoints(
    HealthEndpoints health, ClusterHealthEndpoint clusterHealth, MetricsEndpoint metrics, JsonGateway gateway, ILogger log)
{
    private static readonly string VersionJson =
        $"{{\"etcdserver\":\"{ReportedVersions.EtcdServer}\",\"etcdcluster\":\"{ReportedVersions.EtcdCluster}\","
        + $"\"storage\":\"{ReportedVersions.EtcdCluster}\",\"quorate\":\"{ReportedVersions.Quorate}\"}}";

    /// <summary>Handles one request. Throws nothing but <see cref="BadHttpRequestException"/>, which Kestrel answers.</summary>
    public async Task HandleAsync(HttpContext context)
    {
        try
        {
            await DispatchAsync(context).ConfigureAwait(false);
        }
        catch (Exception e) when (
            context.RequestAborted.IsCancellationRequested
            || e is OperationCanceledException or (IOException and not BadHttpRequestException))
        {
            // The client has closed the connection: no response can reach it.
        }
        catch (Exception e) when (e is not BadHttpRequestException)
        {
            ServerLogMessages.CallFailed(log, context.Request.Path.Value ?? "", e.Message, e);
            if (context.Response.HasStarted)
                context.Abort();
            else
                await HttpResponses.WriteErrorAsync(context, EtcdErrors.Internal(e).Status).ConfigureAwait(false);
        }
    }

    private Task DispatchAsync(HttpContext context)
    {
        var path = context.Request.Path.Value ?? "";
        if (HealthEndpoints.Matches(path))
            return health.HandleAsync(context);
        if (path == ClusterHealthEndpoint.Path)
            return clusterHealth.HandleAsync(context);
        if (path == "/metrics")
            return metrics.HandleAsync(context);
        if (path == "/version")
            return HttpResponses.WriteJsonAsync(context, StatusCodes.Status200OK, VersionJson);

        return JsonGateway.Matches(path)
            ? gateway.HandleAsync(context)
            : HttpResponses.WriteTextAsync(context, StatusCodes.Status404NotFound, "404 page not found\n");
    }
}
