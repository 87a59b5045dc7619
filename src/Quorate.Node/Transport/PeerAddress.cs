using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;

namespace Quorate.Node.Transport;

/// <summary>Where a node listens for its peers.</summary>
/// <param name="Host">A DNS name, looked up at every dial, or an IP address; IPv6 without brackets.</param>
/// <param name="Port">1 to 65535; 0 only to listen, where it lets the system choose.</param>
public readonly record struct PeerAddress(string Host, int Port)
{
    /// <summary>Reads <c>host:port</c> or <c>[v6]:port</c>.</summary>
    /// <exception cref="FormatException">Names the text and what it must look like.</exception>
    public static PeerAddress Parse(string text) => TryParse(text, out var address)
        ? address
        : throw new FormatException($"'{text}' is not a peer address; write host:port, for example 10.0.0.5:2380 or [::1]:2380");

    /// <summary>Reads <c>host:port</c> or <c>[v6]:port</c>, if it is one.</summary>
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

    /// <summary>host:port, with brackets around an IPv6 address.</summary>
    public override string ToString() =>
        Host?.Contains(':', StringComparison.Ordinal) == true ? $"[{Host}]:{Port}" : $"{Host}:{Port}";

    /// <summary>The addresses to try, in order.</summary>
    internal async ValueTask<IPAddress[]> ResolveAsync(CancellationToken cancellation) => IPAddress.TryParse(Host, out var literal)
        ? [literal]
        : await Dns.GetHostAddressesAsync(Host, cancellation).ConfigureAwait(false);
}
