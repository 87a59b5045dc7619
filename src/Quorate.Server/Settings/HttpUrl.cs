using System.Globalization;
using System.Net;

namespace Quorate.Server.Settings;

/// <summary>A URL as etcd's flags have it: scheme, host and port, nothing more.</summary>
/// <param name="Text">As it was written; member ids are made from it, so it is not tidied.</param>
/// <param name="Host">A name or an address, without brackets.</param>
/// <param name="Port">0 lets the system choose, where we listen.</param>
internal sealed record HttpUrl(string Text, string Host, int Port)
{
    /// <summary>Whether the host stands for every address of the machine, which nobody can connect to.</summary>
    public bool IsAnyAddress => IPAddress.TryParse(Host, out var address) && (address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any));

    /// <summary>Reads one URL.</summary>
    /// <param name="source">The flag it came from, for the error.</param>
    /// <param name="text">What was written.</param>
    /// <exception cref="StartupException">It is not such a URL.</exception>
    public static HttpUrl Parse(string source, string text)
    {
        const string Remedy = "write http://HOST:PORT, for example http://127.0.0.1:2379";
        StartupException Invalid(string why) => StartupException.Usage($"{source}: \"{text}\" is not a URL this server can use.", why, Remedy);

        var schemeEnd = text.IndexOf("://", StringComparison.Ordinal);
        if (schemeEnd < 0)
            throw Invalid("it has no scheme");

        switch (text[..schemeEnd])
        {
            case "http":
                break;
            case "https":
                throw StartupException.Usage($"{source}: \"{text}\" asks for TLS.", "there is no TLS here yet", "use http:// on a network you trust");
            case "unix" or "unixs":
                throw StartupException.Usage($"{source}: \"{text}\" asks for a Unix socket.", "the server listens on TCP alone", Remedy);
            case var scheme:
                throw Invalid($"the scheme is \"{scheme}\", and only http is served");
        }

        var authority = text[(schemeEnd + 3)..];
        if (authority.AsSpan().ContainsAny("/?#@"))
            throw Invalid("nothing may follow the port, and no user may stand before the host");

        var colon = authority.LastIndexOf(':');
        if (colon < 0 || authority.EndsWith(']'))
            throw Invalid("it has no port");
        if (!int.TryParse(authority.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var port) || port > IPEndPoint.MaxPort)
            throw Invalid($"\"{authority[(colon + 1)..]}\" is not a port: a number from 0 to {IPEndPoint.MaxPort}");

        var host = authority[..colon];
        var bracketed = host.StartsWith('[') && host.EndsWith(']');
        if (bracketed)
            host = host[1..^1];
        if (host.Length == 0)
            throw Invalid("it has no host");
        if (bracketed ? !IPAddress.TryParse(host, out _) : Uri.CheckHostName(host) is not (UriHostNameType.Dns or UriHostNameType.IPv4))
            throw Invalid($"\"{host}\" is neither a name nor an address (an IPv6 address stands in brackets)");

        return new HttpUrl(text, host, port);
    }

    /// <summary>Reads a comma-separated list of at least one.</summary>
    /// <exception cref="StartupException">One of them is not such a URL, or there is none.</exception>
    public static IReadOnlyList<HttpUrl> ParseList(string source, string text)
    {
        var parts = text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        if (parts.Length == 0)
            throw StartupException.Usage($"{source} is empty.", "at least one URL is needed", "write http://HOST:PORT, or leave the flag out");
        return [.. parts.Select(part => Parse(source, part))];
    }

    /// <summary>Where to listen: the host must be an address of this machine, or localhost.</summary>
    /// <remarks>A name would have to be looked up, and might be somebody else's; etcd refuses it too.</remarks>
    /// <exception cref="StartupException">The host is a name.</exception>
    public IPEndPoint ToListenAddress(string source)
    {
        if (Host == "localhost")
            return new IPEndPoint(IPAddress.Loopback, Port);
        if (IPAddress.TryParse(Host, out var address))
            return new IPEndPoint(address, Port);
        throw StartupException.Usage(
            $"{source}: cannot listen on \"{Text}\".", $"\"{Host}\" is a name, and listening takes an address of this machine",
            "write the address, or 0.0.0.0 for all of them; names belong in the advertise URLs");
    }
}
