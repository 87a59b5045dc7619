using System.Text;
using Quorate.Server.Etcd;

namespace Quorate.Server.Http;

/// <summary>
/// The endpoints <c>/health</c>, <c>/livez</c> and <c>/readyz</c>, for supervisors, load balancers and etcd's own clients.
/// </summary>
/// <remarks>
/// Liveness never depends on a quorum: a supervisor that restarts members because other members are down makes an outage worse.
/// <code>
///   /health       etcd's: alarms of this member (?exclude=NOSPACE), then a leader, then a linearizable read
///   /readyz       etcd's checks, and commit_progress: with reads alone, a cluster whose disks take no write would count as ready
///   ?verbose      each check, and the health of the cluster in words; also without it when a check has failed
/// </code>
/// Source: etcd's /health, /livez and /readyz.
/// </remarks>
internal sealed class HealthEndpoints(HealthVerdict health)
{
    private static readonly string[] LivezChecks = ["serializable_read"];
    private static readonly string[] ReadyzChecks =
        ["data_corruption", "serializable_read", "linearizable_read", "non_learner", "commit_progress"];

    /// <summary>Whether a path is a health endpoint.</summary>
    public static bool Matches(string path) =>
        path == "/health"
        || SelectChecks(path, "/livez", LivezChecks) is not null
        || SelectChecks(path, "/readyz", ReadyzChecks) is not null;

    /// <summary>Handles one request.</summary>
    public Task HandleAsync(HttpContext context)
    {
        if (!HttpMethods.IsGet(context.Request.Method) && !HttpMethods.IsHead(context.Request.Method))
            return HttpResponses.WriteMethodNotAllowedAsync(context, "GET");

        var path = context.Request.Path.Value ?? "";
        var checks = SelectChecks(path, "/livez", LivezChecks) ?? SelectChecks(path, "/readyz", ReadyzChecks);
        return checks is null ? HealthAsync(context) : WriteChecksAsync(context, checks);
    }

    private async Task HealthAsync(HttpContext context)
    {
        var excluded = context.Request.Query["exclude"];
        var reason = health.IsQuarantined && !excluded.Contains("CORRUPT") ? "ALARM CORRUPT"
            : health.IsShortOfSpace && !excluded.Contains("NOSPACE") ? "ALARM NOSPACE"
            : health.HasLeader ? ""
            : "RAFT NO LEADER";
        if (reason.Length == 0 && context.Request.Query["serializable"] != "true")
        {
            var failure = await CheckLinearizableReadAsync(context).ConfigureAwait(false);
            reason = failure is null ? "" : "RANGE ERROR:" + failure;
        }

        var httpStatus = reason.Length == 0 ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable;
        await HttpResponses.WriteJsonAsync(context, httpStatus, json =>
        {
            json.WriteString("health"u8, reason.Length == 0 ? "true" : "false");
            json.WriteString("reason"u8, reason);
        }).ConfigureAwait(false);
    }

    /// <summary>
    /// Returns the checks that a path selects: all of a probe, or the one named after it; null if the path does not match.
    /// </summary>
    private static string[]? SelectChecks(string path, string probe, string[] all)
    {
        if (path == probe)
            return all;
        return path.StartsWith(probe + "/", StringComparison.Ordinal) && all.Contains(path[(probe.Length + 1)..])
            ? [path[(probe.Length + 1)..]]
            : null;
    }

    private async Task WriteChecksAsync(HttpContext context, string[] checks)
    {
        var excluded = context.Request.Query["exclude"];
        var lines = new StringBuilder();
        var failed = false;
        foreach (var check in checks)
        {
            if (excluded.Contains(check))
                continue;
            var failure = check switch
            {
                "linearizable_read" => await CheckLinearizableReadAsync(context).ConfigureAwait(false),
                "data_corruption" when health.IsQuarantined => "the state of this member differs from that of a majority",
                "commit_progress" => health.FindCommitFailure(),
                _ => null,
            };
            lines.Append(failure is null ? $"[+]{check} ok\n" : $"[-]{check} failed: {failure}\n");
            failed |= failure is not null;
        }

        lines.Append("cluster: ").Append(health.Cluster.Summary).Append('\n');
        if (failed)
            await HttpResponses.WriteTextAsync(context, StatusCodes.Status503ServiceUnavailable, lines.ToString()).ConfigureAwait(false);
        else
        {
            var text = context.Request.Query.ContainsKey("verbose") ? lines + "ok\n" : "ok\n";
            await HttpResponses.WriteTextAsync(context, StatusCodes.Status200OK, text).ConfigureAwait(false);
        }
    }

    private Task<string?> CheckLinearizableReadAsync(HttpContext context) =>
        health.FindReadFailureAsync(RequestContext.From(context, DateTime.MaxValue, context.RequestAborted));
}
