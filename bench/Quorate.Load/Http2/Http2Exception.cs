namespace Quorate.Load.Http2;

/// <summary>The peer violated HTTP/2 or HPACK, or closed the connection; the connection cannot be used any more.</summary>
internal sealed class Http2Exception(string message) : Exception(message);
