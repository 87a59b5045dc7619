using System.Globalization;
using System.Text.Json;
using Quorate.Node.Health;
using Quorate.Raft;
using Quorate.Server.Replication;
using Member = Quorate.Server.Protos.Member;

namespace Quorate.Server.Http;

/// <summary>
/// The endpoint <c>/quorate/health</c>: the health of the cluster as this member sees it, as JSON. <c>quorate health</c> prints it.
/// </summary>
/// <remarks>
/// The HTTP status is 200 whatever the health is: a probe uses <c>/readyz</c>. The fields are in docs/operating/health.md.
/// </remarks>
/// <param name="health">Judges the health of the cluster.</param>
/// <param name="members">The names and client URLs of the members.</param>
internal sealed class ClusterHealthEndpoint(Func<ClusterHealth> health, MemberRegistry members)
{
    /// <summary>The path.</summary>
    public const string Path = "/quorate/health";

    /// <summary>Handles one request.</summary>
    public Task HandleAsync(HttpContext context)
    {
        if (!HttpMethods.IsGet(context.Request.Method) && !HttpMethods.IsHead(context.Request.Method))
            return HttpResponses.WriteMethodNotAllowedAsync(context, "GET");
        var (answer, registered) = (health(), members.List().ToDictionary(static member => member.ID));
        return HttpResponses.WriteJsonAsync(context, StatusCodes.Status200OK, json => Write(json, answer, registered));
    }

    private static void Write(Utf8JsonWriter json, ClusterHealth health, Dictionary<ulong, Member> registered)
    {
        json.WriteString("level"u8, health.Level.ToString());
        json.WriteString("summary"u8, health.Summary);
        json.WriteBoolean("hasQuorum"u8, health.HasQuorum);
        if (health.FailureTolerance is { } tolerance)
            json.WriteNumber("failureTolerance"u8, tolerance);
        else
            json.WriteNull("failureTolerance"u8);
        json.WriteBoolean("isLeaderView"u8, health.IsLeaderView);
        WriteMember(json, "observer"u8, health, health.Observer, registered);
        WriteMember(json, "leader"u8, health, health.Leader, registered);
        json.WriteNumber("term"u8, health.Term.Value);
        json.WriteStartArray("problems"u8);
        foreach (var problem in health.Problems)
        {
            json.WriteStartObject();
            json.WriteString("kind"u8, problem.Kind.ToString());
            json.WriteBoolean("isCritical"u8, problem.IsCritical);
            WriteMember(json, "member"u8, health, problem.Member, registered);
            json.WriteString("text"u8, problem.Text);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteStartArray("members"u8);
        foreach (var member in health.Members)
        {
            json.WriteStartObject();
            WriteIdentity(json, health, member.NodeId, registered);
            Write(json, member);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void Write(Utf8JsonWriter json, MemberHealth member)
    {
        json.WriteBoolean("isVoter"u8, member.IsVoter);
        if (member.IsHealthy is { } isHealthy)
            json.WriteBoolean("isHealthy"u8, isHealthy);
        else
            json.WriteNull("isHealthy"u8);
        if (member.Storage is { } storage)
            json.WriteString("storage"u8, storage.ToString());
        if (member.LagEntries is { } entries)
            json.WriteNumber("lagEntries"u8, entries);
        WriteSeconds(json, "lagSeconds"u8, member.Lag);
        WriteSeconds(json, "secondsSinceContact"u8, member.SinceLastContact);
        WriteSeconds(json, "acknowledgementSeconds"u8, member.AcknowledgementTime);
        json.WriteBoolean("isQuarantined"u8, member.IsQuarantined);
        json.WriteBoolean("isRepairing"u8, member.IsRepairing);
    }

    private static void WriteSeconds(Utf8JsonWriter json, ReadOnlySpan<byte> name, TimeSpan? duration)
    {
        if (duration is { } known)
            json.WriteNumber(name, Math.Round(known.TotalSeconds, 3));
    }

    /// <summary>Writes a member as an object, or null for none.</summary>
    private static void WriteMember(
        Utf8JsonWriter json, ReadOnlySpan<byte> property, ClusterHealth health, NodeId node, Dictionary<ulong, Member> registered)
    {
        if (node == NodeId.None)
        {
            json.WriteNull(property);
            return;
        }

        json.WriteStartObject(property);
        WriteIdentity(json, health, node, registered);
        json.WriteEndObject();
    }

    private static void WriteIdentity(Utf8JsonWriter json, ClusterHealth health, NodeId node, Dictionary<ulong, Member> registered)
    {
        json.WriteString("id"u8, node.Value.ToString("x", CultureInfo.InvariantCulture));
        json.WriteString("name"u8, health.Members.FirstOrDefault(member => member.NodeId == node)?.Name ?? node.ToString());
        json.WriteStartArray("clientUrls"u8);
        foreach (var url in registered.TryGetValue(node.Value, out var member) ? member.ClientURLs : [])
            json.WriteStringValue(url);
        json.WriteEndArray();
    }
}
