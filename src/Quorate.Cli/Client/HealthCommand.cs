using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Quorate.Server.Http;

namespace Quorate.Cli.Client;

/// <summary>The command <c>quorate health</c>: the health of the cluster in one answer.</summary>
/// <remarks>
/// Only the leader knows how many members may fail. So if the first endpoint that responds is another member, the command asks the leader
/// that it names; if that does not respond, it prints what the first one knows, which states whose view it is.
/// </remarks>
internal static class HealthCommand
{
    /// <summary>Creates the command.</summary>
    public static Command Create() => ClientArguments.CreateCommand(
        "health",
        "Prints the health of the cluster, as its leader sees it: one sentence, the problems, and one line for each member. Without a "
        + "leader, it prints what a member sees.",
        [],
        async (_, session, output, _) =>
        {
            using var answer = await AskAsync(session).ConfigureAwait(false);
            var health = answer.RootElement;
            if (output.IsJson)
                output.WriteLine(health.GetRawText());
            else
                Write(output, health);

            var level = health.GetProperty("level").GetString();
            if (level != "Healthy")
            {
                throw new ClientException(
                    level == "Degraded" ? ExitCode.Failed : ExitCode.Unreachable,
                    $"quorate health: {(level == "Degraded" ? "degraded" : "critical")}; docs/operating/health.md explains each problem");
            }
        },
        failed: "the cluster is degraded: it serves all requests, and something is wrong",
        unreachable: "the cluster is critical: it has no leader or no quorum, or rejects some requests; or no server responds");

    private static async Task<JsonDocument> AskAsync(ClientSession session)
    {
        JsonDocument? best = null;
        ClientException? failure = null;
        foreach (var endpoint in session.Endpoints)
        {
            JsonDocument answer;
            try
            {
                answer = await session.GetJsonAsync(endpoint, ClusterHealthEndpoint.Path).ConfigureAwait(false);
            }
            catch (ClientException e)
            {
                failure ??= e;
                continue;
            }

            if (IsLeaderView(answer))
                return Replace(best, answer);
            if (await AskLeaderAsync(session, answer).ConfigureAwait(false) is { } leaders)
            {
                answer.Dispose();
                return Replace(best, leaders);
            }

            // A member with a leader knows more than one without.
            if (best is null || HasQuorum(answer))
                best = Replace(best, answer);
            else
                answer.Dispose();
        }

        return best ?? throw failure!;
    }

    /// <summary>Asks the leader that a member names; returns null if it does not respond, or does not lead.</summary>
    private static async Task<JsonDocument?> AskLeaderAsync(ClientSession session, JsonDocument answer)
    {
        var leader = answer.RootElement.GetProperty("leader");
        if (leader.ValueKind != JsonValueKind.Object)
            return null;
        foreach (var url in leader.GetProperty("clientUrls").EnumerateArray())
        {
            if (!Uri.TryCreate(url.GetString(), UriKind.Absolute, out var endpoint) || endpoint.Scheme is not ("http" or "https"))
                continue;
            try
            {
                var leaders = await session.GetJsonAsync(endpoint, ClusterHealthEndpoint.Path).ConfigureAwait(false);
                if (IsLeaderView(leaders))
                    return leaders;
                leaders.Dispose();
            }
            catch (ClientException)
            {
                // The next URL, or the view of the member that was asked first.
            }
        }

        return null;
    }

    private static JsonDocument Replace(JsonDocument? old, JsonDocument better)
    {
        old?.Dispose();
        return better;
    }

    private static bool IsLeaderView(JsonDocument answer) => answer.RootElement.GetProperty("isLeaderView").GetBoolean();

    private static bool HasQuorum(JsonDocument answer) => answer.RootElement.GetProperty("hasQuorum").GetBoolean();

    private static void Write(ClientOutput output, JsonElement health)
    {
        output.WriteLine(health.GetProperty("summary").GetString()!);
        foreach (var problem in health.GetProperty("problems").EnumerateArray())
            output.WriteLine($"  {problem.GetProperty("kind").GetString()}: {problem.GetProperty("text").GetString()}");
        var leader = health.GetProperty("leader") is { ValueKind: JsonValueKind.Object } known ? known.GetProperty("id").GetString() : null;
        var rows = new List<string[]> { (string[])["MEMBER", "ID", "ROLE", "HEALTHY", "BEHIND", "SILENT", "ACKNOWLEDGES IN", "DISK"] };
        foreach (var member in health.GetProperty("members").EnumerateArray())
        {
            var id = member.GetProperty("id").GetString()!;
            rows.Add(
            [
                member.GetProperty("name").GetString()!, id,
                id == leader ? "leader" : member.GetProperty("isVoter").GetBoolean() ? "voter" : "learner",
                member.GetProperty("isHealthy").ValueKind switch { JsonValueKind.True => "yes", JsonValueKind.False => "no", _ => "-" },
                member.TryGetProperty("lagEntries", out var lag) ? lag.GetInt64().ToString("N0", CultureInfo.InvariantCulture) : "-",
                FormatSeconds(member, "secondsSinceContact"), FormatSeconds(member, "acknowledgementSeconds"),
                member.TryGetProperty("storage", out var storage) ? storage.GetString()! : "-",
            ]);
        }

        var widths = Enumerable.Range(0, rows[0].Length).Select(column => rows.Max(row => row[column].Length)).ToArray();
        foreach (var row in rows)
            output.WriteLine(string.Join("  ", row.Select((cell, column) => cell.PadRight(widths[column]))).TrimEnd());
    }

    private static string FormatSeconds(JsonElement member, string property) => member.TryGetProperty(property, out var seconds)
        ? seconds.GetDouble().ToString("0.0##", CultureInfo.InvariantCulture) + " s"
        : "-";
}
