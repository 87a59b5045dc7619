namespace Quorate.Server.Settings;

/// <summary>Which web pages may send requests to the JSON gateway, and under which host names it is reached.</summary>
internal sealed record WebAccess
{
    /// <summary>The entry that allows every origin or every host name.</summary>
    public const string Any = "*";

    /// <summary>The origins, such as <c>https://example.com:8443</c>, whose pages may send requests (<c>--cors</c>).</summary>
    /// <remarks>Default none: only the pages of the server itself. etcd's default is <see cref="Any"/>.</remarks>
    public IReadOnlyList<string> Origins { get; init; } = [];

    /// <summary>The host names by which a request may address the server (<c>--host-whitelist</c>); empty for the default rule.</summary>
    /// <remarks>The default rule is at <see cref="Http.WebAccessFilter"/>. etcd's default is <see cref="Any"/>.</remarks>
    public IReadOnlyList<string> Hosts { get; init; } = [];

    /// <summary>Parses the values of the two flags.</summary>
    /// <exception cref="StartupException">A value is not an origin or not a host name.</exception>
    public static WebAccess Parse(string origins, string hosts) => new()
    {
        Origins = [.. Split(origins).Select(ParseOrigin)],
        Hosts = [.. Split(hosts).Select(ParseHost)],
    };

    private static string[] Split(string list) =>
        list.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

    // A browser sends an origin in lower case, without a path and without the default port of its scheme.
    private static string ParseOrigin(string text)
    {
        if (text == Any)
            return text;
        if (Uri.TryCreate(text, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https" && uri.AbsolutePath == "/"
            && uri.Query.Length + uri.Fragment.Length + uri.UserInfo.Length == 0)
            return uri.GetLeftPart(UriPartial.Authority);
        throw StartupException.Usage(
            $"--cors contains \"{text}\".", "an entry is an origin, http://HOST[:PORT] or https://HOST[:PORT], or * for every origin",
            "write the addresses of the web pages that may send requests, for example --cors=https://admin.example.com");
    }

    private static string ParseHost(string text)
    {
        if (text == Any || Uri.CheckHostName(text.Trim('[', ']')) != UriHostNameType.Unknown)
            return text;
        throw StartupException.Usage(
            $"--host-whitelist contains \"{text}\".",
            "an entry is a host name or an IP address, without scheme and port, or * for every host",
            "write the names by which clients reach this member, for example --host-whitelist=etcd.example.com");
    }
}
