using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;

namespace Quorate.Node.Transport;

/// <summary>The address at which a node listens for its peers.</summary>
/// <param name="Host">A DNS name, resolved at every connection attempt, or an IP address; IPv6 without brackets.</param>
/// <param name="Port">1 to 65535; 0 only for listening, where the system then chooses the port.</param>
public readonly record struct PeerAddress(string Host, int Port)
{
    /// <summary>Parses <c>host:port</c> or <c>[v6]:port</c>.</summary>
    /// <exception cref="FormatException">The text is not an address; the message names the text and the expected format.</exception>
    public static PeerAddress Parse(string text) => TryParse(text, out var address)
        ? address
        : throw new FormatException($"'{text}' is not a peer address; write host:port, for example 10.0.0.5:2380 or [::1]:2380");

    /// <summary>Tries to parse <c>host:port</c> or <c>[v6]:port</c>.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out PeerAddress address)
    {
        address = default;
        var colon = text?.LastIndexOf(':') ?? -1;
        if (colon <= 0 || !ushort.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var port))
            return false;

        var host = text![..colon];
        var bracketed = host[0] == '[' && host[^1] == ']';
        if (bracketed)
            host = host[1..^1];
        if (host.Length == 0 || host.Contains(':', StringComparison.Ordinal) != bracketed)
            return false;
        address = new PeerAddress(host, port);
        return true;
    }

    /// <summary>Formats the address as host:port, with brackets around an IPv6 address.</summary>
    public override string ToString() =>
        Host?.Contains(':', StringComparison.Ordinal) == true ? $"[{Host}]:{Port}" : $"{Host}:{Port}";

    /// <summary>Resolves the host to the IP addresses to try, in order.</summary>
    internal async ValueTask<IPAddress[]> ResolveAsync(CancellationToken cancellation) => IPAddress.TryParse(Host, out var literal)
        ? [literal]
        : await Dns.GetHostAddressesAsync(Host, cancellation).ConfigureAwait(false);
}
