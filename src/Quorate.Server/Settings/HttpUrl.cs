using System.Globalization;
using System.Net;

namespace Quorate.Server.Settings;

/// <summary>A URL in the form that etcd's flags take: scheme, host and port, without a path.</summary>
/// <param name="Text">The URL as written. It is not normalized, because member ids are computed from it.</param>
/// <param name="Host">A host name or an IP address, without brackets.</param>
/// <param name="Port">The port; 0 in a listen URL lets the operating system choose one.</param>
internal sealed record HttpUrl(string Text, string Host, int Port)
{
    /// <summary>Whether the host is a wildcard address (0.0.0.0 or ::), which a client cannot connect to.</summary>
    public bool IsAnyAddress =>
        IPAddress.TryParse(Host, out var address) && (address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any));

    /// <summary>Parses one URL.</summary>
    /// <param name="source">The flag that holds the URL, for the error message.</param>
    /// <param name="text">The text to parse.</param>
    /// <exception cref="StartupException">The text is not a supported URL.</exception>
    public static HttpUrl Parse(string source, string text)
    {
        const string Remedy = "write http://HOST:PORT, for example http://127.0.0.1:2379";
        StartupException Invalid(string why) =>
            StartupException.Usage($"{source}: \"{text}\" is not a URL this server can use.", why, Remedy);

        var schemeEnd = text.IndexOf("://", StringComparison.Ordinal);
        if (schemeEnd < 0)
            throw Invalid("it has no scheme");

        switch (text[..schemeEnd])
        {
            case "http":
                break;
            case "https":
                throw StartupException.Usage(
                    $"{source}: \"{text}\" requires TLS.", "TLS is not supported yet", "use http:// on a trusted network");
            case "unix" or "unixs":
                throw StartupException.Usage($"{source}: \"{text}\" is a Unix socket.", "the server listens only on TCP", Remedy);
            case var scheme:
                throw Invalid($"the scheme is \"{scheme}\", and only http is supported");
        }

        var authority = text[(schemeEnd + 3)..];
        if (authority.AsSpan().ContainsAny("/?#@"))
            throw Invalid("no path may follow the port, and no user name may precede the host");

        var colon = authority.LastIndexOf(':');
        if (colon < 0 || authority.EndsWith(']'))
            throw Invalid("it has no port");
        if (!int.TryParse(authority.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var port)
            || port > IPEndPoint.MaxPort)
            throw Invalid($"\"{authority[(colon + 1)..]}\" is not a port: a number from 0 to {IPEndPoint.MaxPort}");

        var host = authority[..colon];
        var bracketed = host.StartsWith('[') && host.EndsWith(']');
        if (bracketed)
            host = host[1..^1];
        if (host.Length == 0)
            throw Invalid("it has no host");
        if (bracketed ? !IPAddress.TryParse(host, out _) : Uri.CheckHostName(host) is not (UriHostNameType.Dns or UriHostNameType.IPv4))
            throw Invalid($"\"{host}\" is neither a host name nor an IP address (write an IPv6 address in brackets)");

        return new HttpUrl(text, host, port);
    }

    /// <summary>Parses a comma-separated list of one or more URLs.</summary>
    /// <exception cref="StartupException">The list is empty, or an entry is not a supported URL.</exception>
    public static IReadOnlyList<HttpUrl> ParseList(string source, string text)
    {
        var parts = text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        if (parts.Length == 0)
            throw StartupException.Usage(
                $"{source} is empty.", "at least one URL is needed", "write http://HOST:PORT, or omit the flag to use its default");
        return [.. parts.Select(part => Parse(source, part))];
    }

    /// <summary>Returns the endpoint to listen on; the host must be an IP address or localhost.</summary>
    /// <remarks>A host name would need a DNS lookup and might resolve to another host; etcd rejects it too.</remarks>
    /// <exception cref="StartupException">The host is a host name other than localhost.</exception>
    public IPEndPoint ToListenAddress(string source)
    {
        if (Host == "localhost")
            return new IPEndPoint(IPAddress.Loopback, Port);
        if (IPAddress.TryParse(Host, out var address))
            return new IPEndPoint(address, Port);
        throw StartupException.Usage(
            $"{source}: cannot listen on \"{Text}\".", $"\"{Host}\" is a host name, and listening needs an IP address of this host",
            "write the IP address, or 0.0.0.0 for all addresses; host names belong in the advertise URLs");
    }
}
