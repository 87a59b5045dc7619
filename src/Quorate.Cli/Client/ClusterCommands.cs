using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Quorate.Server.Protos;

namespace Quorate.Cli.Client;

/// <summary>The commands <c>quorate status</c>, <c>members</c> and <c>move-leader</c>.</summary>
internal static class ClusterCommands
{
    /// <summary>Creates the <c>status</c> command.</summary>
    public static Command CreateStatus()
    {
        var cluster = new Option<bool>("--cluster") { Description = "Ask all members of the cluster, found through the endpoints." };
        return ClientArguments.CreateCommand(
            "status",
            "Prints one line for each endpoint: endpoint, member, version, size, whether it leads, whether it is a learner, term, "
            + "committed index, applied index, errors.",
            [cluster],
            async (parsed, session, output, _) =>
            {
                var targets = parsed.GetValue(cluster) ? await FindMembersAsync(session).ConfigureAwait(false) : session.Endpoints;
                var failures = new List<ClientException>();
                foreach (var endpoint in targets)
                {
                    try
                    {
                        var status = await session.ReadAsync(
                            endpoint, (channel, call) => new Maintenance.MaintenanceClient(channel).StatusAsync(new StatusRequest(), call))
                            .ConfigureAwait(false);
                        output.WriteLine(output.IsJson ? FormatJson(endpoint, status) : FormatLine(endpoint, status));
                    }
                    catch (ClientException failure)
                    {
                        // The other endpoints are printed as well.
                        failures.Add(failure);
                    }
                }

                if (failures.Count > 0)
                    throw new ClientException(failures[0].ExitCode, string.Join('\n', failures.Select(f => f.Message)));
            });
    }

    /// <summary>Creates the <c>members</c> command.</summary>
    public static Command CreateMembers() => ClientArguments.CreateCommand(
        "members",
        "Prints one line for each member of the cluster: member, whether it has started, name, peer URLs, client URLs, "
        + "whether it is a learner.",
        [],
        async (_, session, output, _) =>
        {
            var response = await ListMembersAsync(session).ConfigureAwait(false);
            if (output.IsJson)
            {
                output.WriteJson(response);
                return;
            }

            foreach (var member in response.Members)
            {
                output.WriteLine(string.Join(
                    ", ", Hex(member.ID), member.Name.Length > 0 ? "started" : "unstarted", member.Name, string.Join(',', member.PeerURLs),
                    string.Join(',', member.ClientURLs), Lower(member.IsLearner)));
            }
        });

    /// <summary>Creates the <c>move-leader</c> command.</summary>
    public static Command CreateMoveLeader()
    {
        var target = new Argument<string>("member")
        {
            Description = "The member that is to lead: its name, or its id as in quorate members.",
        };
        return ClientArguments.CreateCommand(
            "move-leader",
            "Transfers leadership to a member. Writes wait meanwhile, usually for some milliseconds. "
            + "The leader is found through the endpoints.",
            [target],
            async (parsed, session, output, _) =>
            {
                var id = await FindMemberAsync(session, parsed.GetRequiredValue(target)).ConfigureAwait(false);
                var (leader, endpoint) = await FindLeaderAsync(session).ConfigureAwait(false);
                var response = await session.RepeatableAsync(
                    endpoint,
                    (channel, call) => new Maintenance.MaintenanceClient(channel)
                        .MoveLeaderAsync(new MoveLeaderRequest { TargetID = id }, call))
                    .ConfigureAwait(false);
                if (output.IsJson)
                    output.WriteJson(response);
                else
                    output.WriteLine($"Leadership transferred from {Hex(leader)} to {Hex(id)}");
            });
    }

    /// <summary>Finds the id of a member by its name, or parses it. The server rejects an id that is no member.</summary>
    private static async Task<ulong> FindMemberAsync(ClientSession session, string nameOrId)
    {
        var members = (await ListMembersAsync(session).ConfigureAwait(false)).Members;
        var named = members.Where(member => member.Name == nameOrId).ToArray();
        if (named is [var member])
            return member.ID;
        if (named.Length > 1)
            throw session.Failed(ExitCode.Failed, $"{named.Length} members have the name {nameOrId}; give the id of one.");
        return ulong.TryParse(nameOrId, NumberStyles.HexNumber, CultureInfo.InvariantCulture, out var id)
            ? id
            : throw session.Failed(ExitCode.Failed, $"no member has the name {nameOrId}, and it is no id; see quorate members.");
    }

    private static async Task<(ulong Leader, Uri Endpoint)> FindLeaderAsync(ClientSession session)
    {
        foreach (var endpoint in session.Endpoints.Concat(await FindMembersAsync(session).ConfigureAwait(false)).Distinct())
        {
            try
            {
                var status = await session.ReadAsync(
                    endpoint, (channel, call) => new Maintenance.MaintenanceClient(channel).StatusAsync(new StatusRequest(), call))
                    .ConfigureAwait(false);
                if (status.Leader != 0 && status.Leader == status.Header.MemberId)
                    return (status.Leader, endpoint);
            }
            catch (ClientException)
            {
                // Another member may lead.
            }
        }

        throw session.Failed(ExitCode.Unreachable, "no member that can be reached leads; see quorate status --cluster.");
    }

    private static async Task<IReadOnlyList<Uri>> FindMembersAsync(ClientSession session)
    {
        var members = await ListMembersAsync(session).ConfigureAwait(false);
        return
        [
            .. members.Members.Where(m => m.ClientURLs.Count > 0)
                .Select(m => Uri.TryCreate(m.ClientURLs[0], UriKind.Absolute, out var url) ? url : null).OfType<Uri>(),
        ];
    }

    /// <summary>Lists the members as the endpoint knows them, which needs no quorum.</summary>
    private static Task<MemberListResponse> ListMembersAsync(ClientSession session) =>
        session.ReadAsync((channel, call) => new Cluster.ClusterClient(channel).MemberListAsync(new MemberListRequest(), call));

    private static string FormatJson(Uri endpoint, StatusResponse status) =>
        $"{{\"endpoint\":\"{JsonEncodedText.Encode(endpoint.Authority)}\",\"status\":{ClientOutput.FormatJson(status)}}}";

    private static string FormatLine(Uri endpoint, StatusResponse status) => string.Join(
        ", ", endpoint.Authority, Hex(status.Header.MemberId), status.Version, FormatSize(status.DbSize),
        Lower(status.Leader != 0 && status.Leader == status.Header.MemberId), Lower(status.IsLearner),
        status.RaftTerm.ToString(CultureInfo.InvariantCulture), status.RaftIndex.ToString(CultureInfo.InvariantCulture),
        status.RaftAppliedIndex.ToString(CultureInfo.InvariantCulture), string.Join("; ", status.Errors));

    /// <summary>Formats a number of bytes as etcdctl does.</summary>
    public static string FormatSize(long bytes)
    {
        string[] units = ["B", "kB", "MB", "GB", "TB"];
        var size = (double)bytes;
        var unit = 0;
        for (; size >= 1000 && unit < units.Length - 1; unit++)
            size /= 1000;
        return unit > 0 && size < 10 ? $"{size:F1} {units[unit]}" : $"{size:F0} {units[unit]}";
    }

    private static string Hex(ulong id) => id.ToString("x", CultureInfo.InvariantCulture);

    private static string Lower(bool value) => value ? "true" : "false";
}
