namespace Quorate.Load.Http2;

/// <summary>The header fields of a response that decide whether the operation succeeded; all other fields are ignored.</summary>
internal struct ResponseHeaders
{
    /// <summary>The value of <c>:status</c>; 0 before the headers arrive.</summary>
    public int HttpStatus;

    /// <summary>The value of <c>grpc-status</c>; null if no header or trailer contained it.</summary>
    public int? GrpcStatus;

    /// <summary>The value of <c>grpc-message</c>, decoded; null if absent.</summary>
    public string? GrpcMessage;
}

/// <summary>The header fields that <see cref="HpackDecoder"/> recognizes.</summary>
internal enum ResponseField : byte
{
    Other,
    HttpStatus,
    GrpcStatus,
    GrpcMessage,
}
