using System.Buffers;
using System.Text;

namespace Quorate.Server.Hosting;

/// <summary>Decodes request headers so that Kestrel accepts every <c>:authority</c>, <c>:scheme</c> and byte that etcd accepts.</summary>
/// <remarks>
/// etcd's server uses neither the authority nor the scheme of a call. Its clients send many forms that are no host and port:
/// <code>
///   http://127.0.0.1:2379               Go client up to 3.4, calls to one member
///   #initially=[http://127.0.0.1:2379]  Go client 3.5.0
///   a:2379,b:2379                       gRPC C-core (Python, Ruby, PHP) with several addresses
///   %2Frun%2Fetcd.sock, unix://…        Unix sockets behind a proxy
/// </code>
/// Kestrel resets the stream of such a call and has no option for it, but it decodes each header by an encoding that the host selects. Here
/// an authority that is no host becomes <see cref="NoHost"/>, and a scheme that is no scheme becomes <c>http</c>; valid values are
/// unchanged. Other headers are Latin-1, in which every byte except NUL is valid. A <c>Host</c> header of HTTP/1.1 is not affected: Kestrel
/// still rejects an invalid one.
/// </remarks>
internal static class RequestHeaderEncodings
{
    /// <summary>The host of a call whose authority is no host; RFC 6761 reserves <c>.invalid</c>.</summary>
    public const string NoHost = "authority.invalid";

    private static readonly Encoding Authority = new PseudoHeaderEncoding(IsHostAndPort, NoHost);
    private static readonly Encoding Scheme = new PseudoHeaderEncoding(IsScheme, "http");

    private static readonly SearchValues<byte> HostCharacters =
        SearchValues.Create("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-._"u8);

    private static readonly SearchValues<byte> AddressCharacters = SearchValues.Create("0123456789ABCDEFabcdef:."u8);
    private static readonly SearchValues<byte> Digits = SearchValues.Create("0123456789"u8);

    private static readonly SearchValues<byte> SchemeCharacters =
        SearchValues.Create("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz+-."u8);

    /// <summary>Returns the encoding of a header; the function for Kestrel's option of the same purpose.</summary>
    public static Encoding Select(string header) => header switch
    {
        ":authority" => Authority,
        ":scheme" => Scheme,
        _ => Encoding.Latin1,
    };

    /// <summary>Whether a value is empty, or a host name or an IP address with or without a port.</summary>
    private static bool IsHostAndPort(ReadOnlySpan<byte> value)
    {
        if (value.IsEmpty)
            return true;
        var isAddress = value[0] == (byte)'[';
        var hostEnd = isAddress ? value.IndexOf((byte)']') + 1 : value.IndexOf((byte)':');
        if (hostEnd < 0)
            hostEnd = value.Length;
        var isHost = isAddress
            ? hostEnd > "[::1]".Length - 1 && !value[1..(hostEnd - 1)].ContainsAnyExcept(AddressCharacters)
            : hostEnd > 0 && !value[..hostEnd].ContainsAnyExcept(HostCharacters);
        var port = value[hostEnd..];
        return isHost && (port.IsEmpty || (port is [(byte)':', _, ..] && !port[1..].ContainsAnyExcept(Digits)));
    }

    private static bool IsScheme(ReadOnlySpan<byte> value) =>
        value is [(>= (byte)'a' and <= (byte)'z') or (>= (byte)'A' and <= (byte)'Z'), ..] && !value.ContainsAnyExcept(SchemeCharacters);

    private delegate bool Predicate(ReadOnlySpan<byte> value);

    /// <summary>Decodes a valid value as ASCII, and any other one to a fixed replacement.</summary>
    private sealed class PseudoHeaderEncoding(Predicate isValid, string replacement) : Encoding
    {
        public override int GetCharCount(byte[] bytes, int index, int count) =>
            isValid(bytes.AsSpan(index, count)) ? count : replacement.Length;

        public override int GetChars(byte[] bytes, int byteIndex, int byteCount, char[] chars, int charIndex)
        {
            var value = bytes.AsSpan(byteIndex, byteCount);
            if (isValid(value))
                return ASCII.GetChars(value, chars.AsSpan(charIndex));
            replacement.CopyTo(chars.AsSpan(charIndex));
            return replacement.Length;
        }

        public override int GetMaxCharCount(int byteCount) => int.Max(byteCount, replacement.Length);

        public override int GetMaxByteCount(int charCount) => ASCII.GetMaxByteCount(charCount);

        public override int GetByteCount(char[] chars, int index, int count) => ASCII.GetByteCount(chars, index, count);

        public override int GetBytes(char[] chars, int charIndex, int charCount, byte[] bytes, int byteIndex) =>
            ASCII.GetBytes(chars, charIndex, charCount, bytes, byteIndex);
    }
}
