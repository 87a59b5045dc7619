namespace Quorate.Load.Http2;

/// <summary>HPACK's static table as far as a client needs it: the names, and the values of <c>:status</c>.</summary>
/// <remarks>Source: RFC 7541 Appendix A. Indexes begin at 1.</remarks>
internal static class HpackStaticTable
{
    public const int Count = 61;

    private const int FirstStatus = 8;

    private static readonly int[] Statuses = [200, 204, 206, 304, 400, 404, 500];

    private static readonly string[] Names =
    [
        ":authority", ":method", ":method", ":path", ":path", ":scheme", ":scheme", ":status", ":status", ":status", ":status", ":status",
        ":status", ":status", "accept-charset", "accept-encoding", "accept-language", "accept-ranges", "accept",
        "access-control-allow-origin", "age", "allow", "authorization", "cache-control", "content-disposition", "content-encoding",
        "content-language", "content-length", "content-location", "content-range", "content-type", "cookie", "date", "etag", "expect",
        "expires", "from", "host", "if-match", "if-modified-since", "if-none-match", "if-range", "if-unmodified-since", "last-modified",
        "link", "location", "max-forwards", "proxy-authenticate", "proxy-authorization", "range", "referer", "refresh", "retry-after",
        "server", "set-cookie", "strict-transport-security", "transfer-encoding", "user-agent", "vary", "via", "www-authenticate",
    ];

    /// <summary>Returns the value of <c>:status</c> in this entry, or 0 if the entry is another field.</summary>
    public static int HttpStatusAt(int index) => (uint)(index - FirstStatus) < (uint)Statuses.Length ? Statuses[index - FirstStatus] : 0;

    public static ResponseField FieldAt(int index) => HttpStatusAt(index) == 0 ? ResponseField.Other : ResponseField.HttpStatus;

    public static int NameBytesAt(int index) => Names[index - 1].Length;

    /// <summary>Returns the first entry with this name.</summary>
    public static int IndexOf(string name) => Array.IndexOf(Names, name) + 1;
}
