using System.Buffers.Binary;
using System.Diagnostics;
using System.Net.Sockets;

namespace Quorate.Load.Http2;

/// <summary>The frames: what the server sends, and the control frames that this side sends.</summary>
internal sealed partial class Http2Connection
{
    private readonly HpackDecoder _decoder = new();
    private readonly List<byte> _headerBlock = [];
    private int _headerStreamId;
    private bool _headersEndStream;
    private int _uncreditedBytes;

    private enum Setting : ushort
    {
        HeaderTableSize = 1,
        EnablePush = 2,
        MaxConcurrentStreams = 3,
        InitialWindowSize = 4,
    }

    /// <summary>Reads what has arrived, and completes the operations whose responses have ended.</summary>
    public void Receive()
    {
        try
        {
            while (!IsClosed)
            {
                var space = _received.Length - _receivedBytes;
                var count = _socket.Receive(_received.AsSpan(_receivedBytes), SocketFlags.None, out var error);
                if (error is SocketError.WouldBlock)
                {
                    return;
                }

                if (error is not SocketError.Success || count == 0)
                {
                    Fail(error is SocketError.Success ? "the server closed the connection" : $"connection lost ({error})");
                    return;
                }

                ReceivedAt = Stopwatch.GetTimestamp();
                _receivedBytes += count;
                HandleFrames();
                if (count < space)
                {
                    return;
                }
            }
        }
        catch (Http2Exception violation)
        {
            Fail(violation.Message);
        }
    }

    /// <summary>The time at which the last batch of frames was read, in ticks of Stopwatch.</summary>
    public long ReceivedAt { get; private set; }

    private void HandleFrames()
    {
        var rest = _received.AsSpan(0, _receivedBytes);
        while (rest.Length >= FrameHeader.Bytes)
        {
            var header = FrameHeader.Read(rest);
            if (!_hasServerSettings && header.Type is not FrameType.Settings)
            {
                throw new Http2Exception("the first bytes of the server are not HTTP/2");
            }

            Require(header.Length <= FrameBytesMax, $"a frame of {header.Length} bytes; the maximum is {FrameBytesMax}");
            if (rest.Length < FrameHeader.Bytes + header.Length)
            {
                break;
            }

            Handle(header, rest.Slice(FrameHeader.Bytes, header.Length));
            rest = rest[(FrameHeader.Bytes + header.Length)..];
        }

        rest.CopyTo(_received);
        _receivedBytes = rest.Length;
    }

    private void Handle(FrameHeader header, ReadOnlySpan<byte> payload)
    {
        Require(
            _headerStreamId == 0 || header.Type is FrameType.Continuation,
            "a header block is interrupted by another frame");
        switch (header.Type)
        {
            case FrameType.Data:
                OnData(header, payload);
                break;
            case FrameType.Headers:
                OnHeaders(header, payload);
                break;
            case FrameType.Continuation:
                Require(_headerStreamId != 0 && _headerStreamId == header.StreamId, "CONTINUATION without HEADERS");
                AddToHeaderBlock(header, payload);
                break;
            case FrameType.RstStream:
                Require(payload.Length == 4, "a RST_STREAM frame is not 4 bytes long");
                if (Find(header.StreamId) is { } reset)
                {
                    Complete(reset, $"RST_STREAM, error code {BinaryPrimitives.ReadUInt32BigEndian(payload)}");
                }

                break;
            case FrameType.Settings:
                OnSettings(header, payload);
                break;
            case FrameType.Ping:
                Require(payload.Length == 8, "a PING frame is not 8 bytes long");
                if (!header.Flags.HasFlag(FrameFlags.EndStreamOrAck))
                {
                    WriteFrame(new FrameHeader(8, FrameType.Ping, FrameFlags.EndStreamOrAck, 0), payload);
                }

                break;
            case FrameType.GoAway:
                Require(payload.Length >= 8, "a GOAWAY frame is shorter than 8 bytes");
                Retire($"GOAWAY, error code {BinaryPrimitives.ReadUInt32BigEndian(payload[4..])}", FrameHeader.ReadStreamId(payload));
                break;
            case FrameType.WindowUpdate:
                Require(payload.Length == 4, "a WINDOW_UPDATE frame is not 4 bytes long");
                OnWindowUpdate(header.StreamId, FrameHeader.ReadStreamId(payload));
                break;
            case FrameType.PushPromise:
                throw new Http2Exception("PUSH_PROMISE, although push is disabled");
            default:
                // PRIORITY, and extension frames, which RFC 9113 §5.5 requires to be ignored.
                break;
        }
    }

    private void OnData(FrameHeader header, ReadOnlySpan<byte> payload)
    {
        // Flow control counts the whole payload with its padding, also when the stream has been cancelled.
        _uncreditedBytes += payload.Length;
        if (_uncreditedBytes >= ConnectionWindowBytes / 2)
        {
            WriteControlFrame(FrameType.WindowUpdate, 0, _uncreditedBytes);
            _uncreditedBytes = 0;
        }

        if (Find(header.StreamId) is not { } call)
        {
            return;
        }

        call.UncreditedBytes += payload.Length;
        call.Append(WithoutPadding(header, payload));
        if (header.Flags.HasFlag(FrameFlags.EndStreamOrAck))
        {
            Complete(call, call.FindError());
        }
        else if (call.UncreditedBytes >= StreamWindowBytes / 2)
        {
            WriteControlFrame(FrameType.WindowUpdate, header.StreamId, call.UncreditedBytes);
            call.UncreditedBytes = 0;
        }
    }

    private void OnHeaders(FrameHeader header, ReadOnlySpan<byte> payload)
    {
        Require(header.StreamId != 0, "HEADERS on stream 0");
        payload = WithoutPadding(header, payload);
        if (header.Flags.HasFlag(FrameFlags.Priority))
        {
            Require(payload.Length >= 5, "a HEADERS frame is too short");
            payload = payload[5..];
        }

        if (header.Flags.HasFlag(FrameFlags.EndHeaders))
        {
            DecodeHeaders(header.StreamId, payload, header.Flags.HasFlag(FrameFlags.EndStreamOrAck));
            return;
        }

        _headerStreamId = header.StreamId;
        _headersEndStream = header.Flags.HasFlag(FrameFlags.EndStreamOrAck);
        AddToHeaderBlock(header, payload);
    }

    private void AddToHeaderBlock(FrameHeader header, ReadOnlySpan<byte> fragment)
    {
        _headerBlock.AddRange(fragment);
        if (header.Flags.HasFlag(FrameFlags.EndHeaders))
        {
            var block = _headerBlock.ToArray();
            _headerBlock.Clear();
            _headerStreamId = 0;
            DecodeHeaders(header.StreamId, block, _headersEndStream);
        }
    }

    private void DecodeHeaders(int streamId, ReadOnlySpan<byte> block, bool endStream)
    {
        if (Find(streamId) is not { } call)
        {
            // A cancelled stream; its headers still change the dynamic table.
            var ignored = default(ResponseHeaders);
            _decoder.Decode(block, ref ignored);
            return;
        }

        _decoder.Decode(block, ref call.Headers);
        if (endStream)
        {
            Complete(call, call.FindError());
        }
    }

    private void OnSettings(FrameHeader header, ReadOnlySpan<byte> payload)
    {
        if (header.Flags.HasFlag(FrameFlags.EndStreamOrAck))
        {
            return;
        }

        Require(payload.Length % 6 == 0, "the length of a SETTINGS frame is not a multiple of 6");
        for (; !payload.IsEmpty; payload = payload[6..])
        {
            var value = BinaryPrimitives.ReadUInt32BigEndian(payload[2..]);
            switch ((Setting)BinaryPrimitives.ReadUInt16BigEndian(payload))
            {
                case Setting.HeaderTableSize:
                    // Prepared requests rely on entries that a smaller table would evict.
                    Require(!_hasServerSettings || value >= _serverTableBytesMax, "the server reduced its header table after the start");
                    _serverTableBytesMax = (int)Math.Min(value, HpackDecoder.TableBytesMax);
                    break;
                case Setting.MaxConcurrentStreams:
                    _serverStreamsMax = value;
                    break;
                case Setting.InitialWindowSize:
                    _serverStreamWindow = (int)Math.Min(value, int.MaxValue);
                    Require(_request is null || _request.DataBytes <= _serverStreamWindow, "the server's window is smaller than a request");
                    break;
                default:
                    break;
            }
        }

        _hasServerSettings = true;
        WriteFrame(new FrameHeader(0, FrameType.Settings, FrameFlags.EndStreamOrAck, 0), []);
    }

    private void OnWindowUpdate(int streamId, int increment)
    {
        // A request fits into the initial window of its stream, so updates of streams are not needed.
        if (streamId != 0)
        {
            return;
        }

        _sendWindow += increment;
        while (_waitingForWindow.TryPeek(out var call))
        {
            // An operation that has expired here may be followed by another one of the same call.
            var isWaiting = call.IsActive && call.StreamId == 0;
            if (isWaiting && !TryWrite(call))
            {
                return;
            }

            _waitingForWindow.TryDequeue(out _);
        }
    }

    private static ReadOnlySpan<byte> WithoutPadding(FrameHeader header, ReadOnlySpan<byte> payload)
    {
        if (!header.Flags.HasFlag(FrameFlags.Padded))
        {
            return payload;
        }

        Require(!payload.IsEmpty && payload[0] < payload.Length, "the padding is longer than its frame");
        return payload[1..^payload[0]];
    }

    private void WritePreface()
    {
        var preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8;
        preface.CopyTo(_toSend.Reserve(preface.Length));
        _toSend.Advance(preface.Length);

        Span<byte> settings = stackalloc byte[12];
        BinaryPrimitives.WriteUInt16BigEndian(settings, (ushort)Setting.EnablePush);
        BinaryPrimitives.WriteUInt32BigEndian(settings[2..], 0);
        BinaryPrimitives.WriteUInt16BigEndian(settings[6..], (ushort)Setting.InitialWindowSize);
        BinaryPrimitives.WriteUInt32BigEndian(settings[8..], StreamWindowBytes);
        WriteFrame(new FrameHeader(settings.Length, FrameType.Settings, FrameFlags.None, 0), settings);
        WriteControlFrame(FrameType.WindowUpdate, 0, ConnectionWindowBytes - InitialWindowBytes);
    }

    /// <summary>Writes a frame whose payload is one number: WINDOW_UPDATE or RST_STREAM.</summary>
    private void WriteControlFrame(FrameType type, int streamId, int number)
    {
        Span<byte> payload = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(payload, number);
        WriteFrame(new FrameHeader(payload.Length, type, FrameFlags.None, streamId), payload);
    }

    private void WriteFrame(FrameHeader header, ReadOnlySpan<byte> payload)
    {
        var target = _toSend.Reserve(FrameHeader.Bytes + payload.Length);
        header.Write(target);
        payload.CopyTo(target[FrameHeader.Bytes..]);
        _toSend.Advance(FrameHeader.Bytes + payload.Length);
    }
}
