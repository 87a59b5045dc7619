using Quorate.Raft;

namespace Quorate.Server.Settings;

/// <summary>One member of the initial cluster configuration.</summary>
internal sealed record InitialMember(NodeId Id, string Name, IReadOnlyList<HttpUrl> PeerUrls)
{
    /// <summary>Parses <c>name=url,name=url,…</c>; a name that occurs several times has several URLs.</summary>
    /// <exception cref="StartupException">The text is malformed, or a URL occurs twice.</exception>
    public static IReadOnlyList<InitialMember> ParseCluster(string text, string token)
    {
        const string Source = "--initial-cluster";
        const string Remedy = "write NAME=http://HOST:PORT for every member, comma-separated; use the same value on all members";
        var urlsByName = new SortedDictionary<string, List<HttpUrl>>(StringComparer.Ordinal);
        var memberByUrl = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var part in text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            var equals = part.IndexOf('=', StringComparison.Ordinal);
            if (equals <= 0)
                throw StartupException.Usage($"{Source}: \"{part}\" is not a member.", "it has no name before an equals sign", Remedy);

            var name = part[..equals];
            var url = HttpUrl.Parse(Source, part[(equals + 1)..]);
            if (!memberByUrl.TryAdd(url.Text, name))
                throw StartupException.Usage($"{Source} contains {url.Text} twice.", "every peer URL belongs to one member", Remedy);
            if (!urlsByName.TryGetValue(name, out var urls))
                urlsByName.Add(name, urls = []);
            urls.Add(url);
        }

        if (urlsByName.Count == 0)
            throw StartupException.Usage($"{Source} is empty.", "a cluster has at least one member", Remedy);
        return
        [
            .. urlsByName.Select(pair =>
                new InitialMember(EtcdIdCalculator.ComputeMemberId(pair.Value.Select(u => u.Text), token), pair.Key, pair.Value)),
        ];
    }
}
