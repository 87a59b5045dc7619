using System.Text;
using System.Text.Json;
using Grpc.Core;
using Quorate.Server.Etcd;
using Quorate.Server.Replication;

namespace Quorate.Server.Web;

/// <summary>Whether this member lives, is ready, is healthy: for supervisors, balancers and etcd's own clients.</summary>
/// <remarks>
/// Being alive never depends on a quorum: a supervisor that restarts members because others are gone makes an outage worse.
/// Source: etcd's /health, /livez and /readyz.
/// </remarks>
internal sealed class Probes(Replicator replicator)
{
    private static readonly string[] AliveChecks = ["serializable_read"];
    private static readonly string[] ReadyChecks = ["data_corruption", "serializable_read", "linearizable_read", "non_learner"];

    /// <summary>Whether a path is a probe's.</summary>
    public static bool Owns(string path) =>
        path == "/health" || ChecksOf(path, "/livez", AliveChecks) is not null || ChecksOf(path, "/readyz", ReadyChecks) is not null;

    /// <summary>Answers one request.</summary>
    public Task HandleAsync(HttpContext context)
    {
        if (!HttpMethods.IsGet(context.Request.Method) && !HttpMethods.IsHead(context.Request.Method))
        {
            context.Response.Headers.Allow = "GET";
            return PlainText.WriteAsync(context, StatusCodes.Status405MethodNotAllowed, "Method Not Allowed\n");
        }

        var path = context.Request.Path.Value ?? "";
        var checks = ChecksOf(path, "/livez", AliveChecks) ?? ChecksOf(path, "/readyz", ReadyChecks);
        return checks is null ? HealthAsync(context) : ChecklistAsync(context, checks);
    }

    private async Task HealthAsync(HttpContext context)
    {
        var reason = replicator.Status.Leader == 0 ? "RAFT NO LEADER" : "";
        if (reason.Length == 0 && context.Request.Query["serializable"] != "true")
        {
            var failure = await LinearizableReadAsync().ConfigureAwait(false);
            reason = failure is null ? "" : "RANGE ERROR:" + failure;
        }

        context.Response.StatusCode = reason.Length == 0 ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable;
        context.Response.ContentType = "application/json";
        var health = reason.Length == 0 ? "true" : "false";
        await context.Response.WriteAsync(
            $"{{\"health\":\"{health}\",\"reason\":\"{JsonEncodedText.Encode(reason)}\"}}", context.RequestAborted).ConfigureAwait(false);
    }

    /// <summary>The checks a path asks for: all of a probe, or the one it names.</summary>
    private static string[]? ChecksOf(string path, string probe, string[] all)
    {
        if (path == probe)
            return all;
        return path.StartsWith(probe + "/", StringComparison.Ordinal) && all.Contains(path[(probe.Length + 1)..]) ? [path[(probe.Length + 1)..]] : null;
    }

    private async Task ChecklistAsync(HttpContext context, string[] checks)
    {
        var excluded = context.Request.Query["exclude"];
        var lines = new StringBuilder();
        var failed = false;
        foreach (var check in checks)
        {
            if (excluded.Contains(check))
                continue;
            var failure = check == "linearizable_read" ? await LinearizableReadAsync().ConfigureAwait(false) : null;
            lines.Append(failure is null ? $"[+]{check} ok\n" : $"[-]{check} failed: {failure}\n");
            failed |= failure is not null;
        }

        if (failed)
            await PlainText.WriteAsync(context, StatusCodes.Status503ServiceUnavailable, lines.ToString()).ConfigureAwait(false);
        else
            await PlainText.WriteAsync(context, StatusCodes.Status200OK, context.Request.Query.ContainsKey("verbose") ? lines + "ok\n" : "ok\n").ConfigureAwait(false);
    }

    private async Task<string?> LinearizableReadAsync()
    {
        if (replicator.Status.Leader == 0)
            return EtcdErrors.NoLeader().Status.Detail;
        try
        {
            await replicator.ReadBarrierAsync().ConfigureAwait(false);
            return null;
        }
        catch (RpcException refused)
        {
            return refused.Status.Detail;
        }
    }
}
