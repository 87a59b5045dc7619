using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging.Abstractions;
using Quorate.Node;
using Quorate.Node.Health;
using Quorate.Raft;
using Quorate.Server.Etcd;
using Quorate.Server.Http;
using Quorate.Server.Protos;
using Quorate.Server.Replication;

namespace Quorate.Server.Tests.Http;

/// <summary>The health endpoints and the alarms of a member that is not well.</summary>
public sealed class HealthEndpointsTests
{
    private static readonly Quarantine Wrong = new() { Entry = new LogIndex(7), Reason = "its state is wrong" };

    [Theory]
    [InlineData("", 503, "ALARM NOSPACE")]
    [InlineData("?exclude=NOSPACE", 200, "")]
    [InlineData("?exclude=CORRUPT", 503, "ALARM NOSPACE")]
    public async Task Health_fails_with_etcds_alarm_while_the_member_rejects_writes_for_space(string query, int status, string reason)
    {
        var node = Node(static status => status with { IsOnlySpaceFreed = true });

        Assert.Equal((status, Json(reason)), await GetAsync(node, Answer(), "/health", query));
    }

    [Fact]
    public async Task A_shortage_of_space_does_not_make_a_member_unready()
    {
        var node = Node(static status => status with { IsOnlySpaceFreed = true });

        Assert.Equal((200, "ok\n"), await GetAsync(node, Answer(), "/readyz"));
    }

    [Fact]
    public async Task Health_and_readiness_fail_on_a_quarantined_member()
    {
        var node = Node(static status => status with { Quarantine = Wrong });

        Assert.Equal((503, Json("ALARM CORRUPT")), await GetAsync(node, Answer(), "/health"));
        Assert.Equal(503, (await GetAsync(node, Answer(), "/readyz")).Status);
        Assert.Equal((200, Json("")), await GetAsync(node, Answer(), "/health", "?exclude=CORRUPT"));
    }

    /// <summary>Reads need no disk: they succeed in a cluster whose members can write nothing.</summary>
    [Fact]
    public async Task A_member_is_not_ready_while_the_commit_index_does_not_move_although_reads_succeed()
    {
        var answer = Answer(new HealthProblem
        {
            Kind = HealthProblemKind.CommitStalled, Text = "the commit index has not moved for 5.0 s",
        });

        var (status, text) = await GetAsync(Node(), answer, "/readyz");

        Assert.Equal(503, status);
        Assert.Equal(
            "[+]data_corruption ok\n[+]serializable_read ok\n[+]linearizable_read ok\n[+]non_learner ok\n"
            + "[-]commit_progress failed: the commit index has not moved for 5.0 s\ncluster: the summary\n",
            text);
        Assert.Equal((200, "ok\n"), await GetAsync(Node(), answer, "/readyz", "?exclude=commit_progress"));
        Assert.Equal(503, (await GetAsync(Node(), answer, "/readyz/commit_progress")).Status);
        Assert.Equal((200, "ok\n"), await GetAsync(Node(), answer, "/livez"));
    }

    [Fact]
    public void The_alarms_name_the_members_that_are_quarantined_or_short_of_space()
    {
        var health = Answer(
            [
                Member(1, StorageHealth.Healthy), Member(2, StorageHealth.LowSpace), Member(3, StorageHealth.Full),
                Member(4, StorageHealth.Stalled, isQuarantined: true), Member(5, storage: null),
            ]);

        var ofAll = AlarmList.Of(new RaftStatus { NodeId = new NodeId(1), IsOnlySpaceFreed = true }, health);
        var ofSpace = AlarmList.Of(new RaftStatus { NodeId = new NodeId(1) }, health, AlarmType.Nospace);
        var ofCorruption = AlarmList.Of(new RaftStatus { NodeId = new NodeId(1) }, health, AlarmType.Corrupt);

        Assert.Equal(
            [(1ul, AlarmType.Nospace), (2, AlarmType.Nospace), (3, AlarmType.Nospace), (4, AlarmType.Corrupt)],
            ofAll.Select(static alarm => (alarm.MemberID, alarm.Alarm)));
        Assert.Equal([2ul, 3], ofSpace.Select(static alarm => alarm.MemberID));
        Assert.Equal([4ul], ofCorruption.Select(static alarm => alarm.MemberID));
    }

    [Fact]
    public async Task The_health_of_the_cluster_is_served_as_JSON()
    {
        await using var server = await ServerFixture.StartAsync();
        using var json = JsonDocument.Parse(await server.Http.GetStringAsync(new Uri("/quorate/health", UriKind.Relative)));
        var health = json.RootElement;

        Assert.Equal("Healthy", health.GetProperty("level").GetString());
        Assert.Equal("Healthy: 1 of 1 voter is healthy; no more may fail.", health.GetProperty("summary").GetString());
        Assert.Equal(
            (true, true, 0),
            (health.GetProperty("isLeaderView").GetBoolean(), health.GetProperty("hasQuorum").GetBoolean(),
                health.GetProperty("failureTolerance").GetInt32()));
        var member = Assert.Single(health.GetProperty("members").EnumerateArray());
        Assert.Equal(
            ("n0", true, true, "Healthy"),
            (member.GetProperty("name").GetString(), member.GetProperty("isVoter").GetBoolean(),
                member.GetProperty("isHealthy").GetBoolean(), member.GetProperty("storage").GetString()));
        Assert.Equal(member.GetProperty("id").GetString(), health.GetProperty("leader").GetProperty("id").GetString());
        Assert.Equal(0, health.GetProperty("problems").GetArrayLength());
    }

    [Fact]
    public async Task A_member_without_a_leader_states_the_problem_first()
    {
        await using var server = await ServerFixture.StartWithoutQuorumAsync();
        using var json = JsonDocument.Parse(await server.Http.GetStringAsync(new Uri("/quorate/health", UriKind.Relative)));
        var health = json.RootElement;

        Assert.Equal(
            ("Critical", false, 0, JsonValueKind.Null),
            (health.GetProperty("level").GetString(), health.GetProperty("hasQuorum").GetBoolean(),
                health.GetProperty("failureTolerance").GetInt32(), health.GetProperty("leader").ValueKind));
        Assert.Equal("NoLeader", health.GetProperty("problems")[0].GetProperty("kind").GetString());
    }

    private static FakeRaftNode Node(Func<RaftStatus, RaftStatus>? change = null)
    {
        var node = new FakeRaftNode(FakeAnswer.Completed);
        node.Status = change?.Invoke(node.Status) ?? node.Status;
        return node;
    }

    private static ClusterHealth Answer(params HealthProblem[] problems) => Answer([], problems);

    private static ClusterHealth Answer(MemberHealth[] members, params HealthProblem[] problems) => new()
    {
        Observer = new NodeId(1), IsLeaderView = true, Leader = new NodeId(1), Term = new Term(1), HasQuorum = true, FailureTolerance = 0,
        Level = HealthLevel.Healthy, Problems = problems, Members = members, Summary = "the summary",
    };

    private static MemberHealth Member(ulong id, StorageHealth? storage, bool isQuarantined = false) =>
        new() { NodeId = new NodeId(id), Name = $"n{id}", IsVoter = true, Storage = storage, IsQuarantined = isQuarantined };

    private static string Json(string reason) => $$"""{"health":"{{(reason.Length == 0 ? "true" : "false")}}","reason":"{{reason}}"}""";

    private static async Task<(int Status, string Text)> GetAsync(FakeRaftNode node, ClusterHealth answer, string path, string query = "")
    {
        var executor = new RequestExecutor(
            node, TimeSpan.FromSeconds(1), TimeProvider.System, NullLogger.Instance, CancellationToken.None);
        var endpoints = new HealthEndpoints(new HealthVerdict(executor, () => answer));
        using var body = new MemoryStream();
        var context = new DefaultHttpContext();
        (context.Request.Method, context.Request.Path, context.Request.QueryString) = ("GET", path, new QueryString(query));
        context.Response.Body = body;
        await endpoints.HandleAsync(context);
        return (context.Response.StatusCode, Encoding.UTF8.GetString(body.ToArray()));
    }
}
