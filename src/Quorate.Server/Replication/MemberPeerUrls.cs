using Quorate.Node.Transport;
using Quorate.Server.Settings;

namespace Quorate.Server.Replication;

/// <summary>The peer URLs of a member, as the configuration stores them in <see cref="Raft.Member.Data"/>: as given, with commas.</summary>
/// <remarks>
/// The members of the initial cluster have none there until their URLs are changed: each member has them from its own settings.
/// </remarks>
internal static class MemberPeerUrls
{
    private const char Separator = ',';

    /// <summary>Parses the URLs of a request; null if there are none, one is not supported, or one is there twice.</summary>
    public static IReadOnlyList<HttpUrl>? Parse(IReadOnlyCollection<string> texts)
    {
        try
        {
            var urls = texts.Select(static text => HttpUrl.Parse("peerURLs", text)).ToArray();
            var areValid = urls.Length > 0 && urls.All(static url => url.Port != 0)
                && urls.Select(static url => url.Text).Distinct(StringComparer.Ordinal).Count() == urls.Length
                && Format(urls).Length + AddressOf(urls).Length <= Raft.Member.TextBytesMax;
            return areValid ? urls : null;
        }
        catch (StartupException)
        {
            return null;
        }
    }

    /// <summary>Returns the address at which the other members connect: that of the first URL.</summary>
    public static string AddressOf(IReadOnlyList<HttpUrl> urls) => new PeerAddress(urls[0].Host, urls[0].Port).ToString();

    /// <summary>Returns what the configuration stores.</summary>
    public static string Format(IReadOnlyList<HttpUrl> urls) => string.Join(Separator, urls.Select(static url => url.Text));

    /// <summary>Returns the URLs of a member in the configuration; empty for a member of the initial cluster.</summary>
    public static IReadOnlyList<string> Of(Raft.Member member) =>
        member.Data.Length > 0 ? member.Data.Split(Separator) : member.Address.Length > 0 ? [$"http://{member.Address}"] : [];
}
