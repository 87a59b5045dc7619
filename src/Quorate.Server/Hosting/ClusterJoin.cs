using System.Globalization;
using System.Net.Sockets;
using Quorate.Node;
using Quorate.Node.Transport;
using Quorate.Raft;
using Quorate.Server.Replication;
using Quorate.Server.Settings;

namespace Quorate.Server.Hosting;

/// <summary>Finds what a new member must know of the cluster that it joins: the id of the cluster, and the ids of the members.</summary>
/// <remarks>
/// As in etcd, it requests them on the peer port from the other members of <c>--initial-cluster</c>, and finds itself among them by its
/// peer URLs. The cluster id is that of the cluster at its creation, so it cannot be computed from the present members. Used by the first
/// start of a member only: the data directory stores the result.
/// </remarks>
internal sealed class ClusterJoin(ServerSettings settings, PeerSecret? secret, ILogger log, TimeProvider time)
{
    /// <summary>How long members are tried that do not answer.</summary>
    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(60);

    /// <summary>How long a member that answers may know nothing of this one: it may lag behind the leader.</summary>
    private static readonly TimeSpan AdditionTimeout = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan RetryInterval = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan LogInterval = TimeSpan.FromSeconds(5);

    private readonly InitialMember[] _others = [.. settings.Members.Where(member => member.Name != settings.Name)];
    private readonly string[] _ownUrls = [.. settings.Self.PeerUrls.Select(static url => url.Text).Order(StringComparer.Ordinal)];

    /// <summary>Returns the settings with the ids of the cluster and its members.</summary>
    /// <exception cref="StartupException">No member answers, or this one was not added to the cluster.</exception>
    public async Task<ServerSettings> FindAsync(CancellationToken cancellation)
    {
        if (_others.Length == 0)
        {
            throw StartupException.Usage(
                "--initial-cluster-state is existing, but --initial-cluster names no other member.",
                "a new member learns from another one which cluster it joins",
                "set --initial-cluster to the members of the cluster and this one, as etcdctl member add prints it");
        }

        var started = time.GetTimestamp();
        long? answered = null;
        long? logged = null;
        while (true)
        {
            var results = await Task.WhenAll(
                _others.SelectMany(static member => member.PeerUrls).Select(url => QueryAsync(url, cancellation))).ConfigureAwait(false);
            var answers = results.Select(static result => result.Members).OfType<ClusterMembers>().ToArray();
            if (answers.Length > 0)
            {
                answered ??= time.GetTimestamp();
                if (TryJoin(answers, out var joined))
                    return joined;
                if (time.GetElapsedTime(answered.Value) >= AdditionTimeout)
                    throw NotAdded(answers);
            }
            else if (time.GetElapsedTime(started) >= AnswerTimeout)
            {
                throw StartupException.Failed(
                    "cannot learn the cluster id and the member id from the existing members.",
                    string.Join("; ", results.Select(static result => result.Fault)),
                    "start the members that --initial-cluster names, correct their URLs, and start this one again");
            }

            if (logged is null || time.GetElapsedTime(logged.Value) >= LogInterval)
            {
                logged = time.GetTimestamp();
                var reason = answers.Length > 0
                    ? "the members do not list it yet"
                    : string.Join("; ", results.Select(static result => result.Fault));
                ServerLogMessages.WaitingToJoin(log, string.Join(',', _ownUrls), reason);
            }

            await Task.Delay(RetryInterval, time, cancellation).ConfigureAwait(false);
        }
    }

    private async Task<(ClusterMembers? Members, string Fault)> QueryAsync(HttpUrl url, CancellationToken cancellation)
    {
        try
        {
            return (await ClusterMembers.QueryAsync(new PeerAddress(url.Host, url.Port), secret, cancellation).ConfigureAwait(false), "");
        }
        catch (Exception fault) when (fault is IOException or SocketException)
        {
            return (null, fault.Message);
        }
    }

    private bool TryJoin(ClusterMembers[] answers, out ServerSettings joined)
    {
        joined = settings;
        if (answers.Select(static answer => answer.ClusterId).Distinct().Count() > 1)
        {
            throw StartupException.Failed(
                "the members that --initial-cluster names belong to different clusters.",
                string.Join("; ", answers.Select(static answer => $"member {answer.From} belongs to cluster {Hex(answer.ClusterId)}")),
                "correct --initial-cluster");
        }

        var newest = answers.MaxBy(static answer => answer.Configuration.Index)!;
        var configuration = newest.Configuration.Configuration;
        var self = configuration.Details.SingleOrDefault(
            member => MemberPeerUrls.Of(member).Order(StringComparer.Ordinal).SequenceEqual(_ownUrls, StringComparer.Ordinal));
        if (self is null)
            return false;
        if (self.IsInitial || self.Directory != DirectoryId.None)
            throw StartedBefore(self.Id);

        joined = settings with
        {
            JoinedClusterId = newest.ClusterId,
            Members =
            [
                .. from member in configuration.Details
                   let urls = MemberPeerUrls.Of(member).Select(static url => HttpUrl.Parse("a peer URL of the cluster", url)).ToArray()
                   where urls.Length > 0
                   select new InitialMember(member.Id, member.Id == self.Id ? settings.Name : NameOf(member.Id, urls), urls),
            ],
        };
        return true;
    }

    /// <summary>Returns the name that the command line gives a member; without one, its id.</summary>
    private string NameOf(NodeId id, HttpUrl[] urls) =>
        _others.FirstOrDefault(other => other.PeerUrls.Any(url => urls.Any(u => u.Text == url.Text)))?.Name ?? id.ToString();

    private StartupException StartedBefore(NodeId self) => StartupException.Failed(
        $"member {settings.Name} ({self}) was started before, and --data-dir {settings.DataDirectory} is not its data directory.",
        "with another directory it would have forgotten its votes and what it has acknowledged",
        "start it with its data directory; if that is lost, remove the member, add it again, and start it with the new id: "
        + $"etcdctl member remove {self}, then etcdctl member add {settings.Name} --peer-urls={string.Join(',', _ownUrls)}");

    private StartupException NotAdded(ClusterMembers[] answers) => StartupException.Failed(
        $"member {settings.Name} with peer URLs {string.Join(',', _ownUrls)} has not been added to cluster {Hex(answers[0].ClusterId)}.",
        "its members are " + string.Join(", ", answers[0].Configuration.Configuration.Details.Select(
            static member => $"{member.Id} ({string.Join(',', MemberPeerUrls.Of(member))})")),
        $"run member add first: etcdctl member add {settings.Name} --peer-urls={string.Join(',', _ownUrls)}");

    private static string Hex(ulong id) => id.ToString("x", CultureInfo.InvariantCulture);
}
