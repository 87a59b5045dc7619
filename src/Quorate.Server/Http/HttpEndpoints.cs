using Quorate.Server.Etcd;

namespace Quorate.Server.Http;

/// <summary>Routes HTTP requests other than gRPC: health endpoints, <c>/metrics</c>, <c>/version</c> and the JSON gateway.</summary>
internal sealed class HttpEndpoints(HealthEndpoints health, MetricsEndpoint metrics, JsonGateway gateway)
{
    private static readonly string VersionJson =
        $"{{\"etcdserver\":\"{ReportedVersions.EtcdServer}\",\"etcdcluster\":\"{ReportedVersions.EtcdCluster}\","
        + $"\"storage\":\"{ReportedVersions.EtcdCluster}\",\"quorate\":\"{ReportedVersions.Quorate}\"}}";

    /// <summary>Handles one request.</summary>
    public Task HandleAsync(HttpContext context)
    {
        var path = context.Request.Path.Value ?? "";
        if (HealthEndpoints.Matches(path))
            return health.HandleAsync(context);
        if (path == "/metrics")
            return metrics.HandleAsync(context);
        if (path == "/version")
            return HttpResponses.WriteJsonAsync(context, StatusCodes.Status200OK, VersionJson);

        return JsonGateway.Matches(path)
            ? gateway.HandleAsync(context)
            : HttpResponses.WriteTextAsync(context, StatusCodes.Status404NotFound, "404 page not found\n");
    }
}
