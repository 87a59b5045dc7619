using System.Buffers.Binary;

namespace Quorate.Load.Http2;

/// <summary>One logical client on a connection: it has at most one operation in flight, and this is the state of that operation.</summary>
/// <remarks>Threading: the thread of its connection.</remarks>
internal sealed class Call(Http2Connection connection)
{
    private const int GrpcPrefixBytes = 5;

    private byte[] _body = [];
    private int _bodyBytes;

    public Http2Connection Connection { get; } = connection;

    /// <summary>The stream of the operation; 0 if none is in flight.</summary>
    public int StreamId { get; set; }

    /// <summary>The time from which the latency counts, in ticks of Stopwatch.</summary>
    public long StartedAt { get; private set; }

    /// <summary>When the operation was handed to the connection, in ticks of Stopwatch; the timeout counts from here.</summary>
    public long SentAt { get; private set; }

    /// <summary>Whether the operation has been started and has not completed.</summary>
    public bool IsActive { get; set; }

    /// <summary>The bytes received on the stream since its window was last enlarged.</summary>
    public int UncreditedBytes { get; set; }

    /// <summary>The header fields and trailers received so far.</summary>
    public ref ResponseHeaders Headers => ref _headers;

    private ResponseHeaders _headers;

    /// <summary>The response message; valid during the completion of a successful operation.</summary>
    public ReadOnlySpan<byte> Message => _body.AsSpan(GrpcPrefixBytes, _bodyBytes - GrpcPrefixBytes);

    public void Begin(long startedAt, long now)
    {
        StartedAt = startedAt;
        SentAt = now;
        IsActive = true;
        UncreditedBytes = 0;
        _bodyBytes = 0;
        _headers = default;
    }

    /// <summary>Appends the payload of a DATA frame.</summary>
    public void Append(ReadOnlySpan<byte> data)
    {
        if (_body.Length < _bodyBytes + data.Length)
        {
            Array.Resize(ref _body, Math.Max(256, 2 * (_bodyBytes + data.Length)));
        }

        data.CopyTo(_body.AsSpan(_bodyBytes));
        _bodyBytes += data.Length;
    }

    /// <summary>Returns null if the response that has ended is a success, and otherwise the reason why it is not.</summary>
    public string? FindError()
    {
        if (_headers.GrpcStatus is not 0)
        {
            return _headers.GrpcStatus is { } status ? $"grpc-status {status}: {_headers.GrpcMessage}"
                : _headers.HttpStatus is not 200 ? $"HTTP status {_headers.HttpStatus}"
                : "the response has no grpc-status";
        }

        if (_headers.HttpStatus is not 200)
        {
            return $"HTTP status {_headers.HttpStatus}";
        }

        var hasMessage = _bodyBytes >= GrpcPrefixBytes
            && _body[0] == 0
            && BinaryPrimitives.ReadUInt32BigEndian(_body.AsSpan(1)) == _bodyBytes - GrpcPrefixBytes;
        return hasMessage ? null : "the response is not exactly one uncompressed message";
    }
}
