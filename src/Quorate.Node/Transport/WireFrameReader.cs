using System.Buffers;
using Quorate.Raft;

namespace Quorate.Node.Transport;

/// <summary>Splits a byte stream into frames and verifies each.</summary>
/// <remarks>
/// Small frames, of which one read often returns many, are copied out of the read buffer. The rest of a frame that does not fit into the
/// buffer is read directly into the frame's own array, so that a megabyte of entries is copied once, by the kernel. (A PipeReader would
/// copy it a second time.)
/// Threading: one thread reads, with blocking system calls.
/// </remarks>
internal sealed class WireFrameReader(Stream stream, int frameBytesMax, FrameAuthenticator? authenticator = null) : IDisposable
{
    private const int BufferBytes = 64 << 10;

    private readonly int _macBytes = authenticator is null ? 0 : FrameAuthenticator.MacBytes;
    private readonly byte[] _header = new byte[WireFrame.HeaderBytes];

    private byte[] _buffer = ArrayPool<byte>.Shared.Rent(BufferBytes);
    private int _start;
    private int _end;

    /// <summary>Reads the next frame; returns null when the peer closed the connection between two frames.</summary>
    /// <exception cref="WireFormatException">The received bytes are corrupt, or the frame is too large.</exception>
    /// <exception cref="EndOfStreamException">The peer closed the connection within a frame, as a killed process does.</exception>
    public VerifiedFrame? Read()
    {
        if (!Fill(WireFrame.HeaderBytes))
            return _start == _end ? null : throw new EndOfStreamException("the connection ended inside a frame header");

        var header = WireFrame.ReadHeader(_buffer.AsSpan(_start, _end - _start), frameBytesMax);
        _buffer.AsSpan(_start, WireFrame.HeaderBytes).CopyTo(_header);
        _start += WireFrame.HeaderBytes;
        var pooled = !WireDecoder.RetainsBody(header);
        var body = pooled ? ArrayPool<byte>.Shared.Rent(header.BodyBytes) : GC.AllocateUninitializedArray<byte>(header.BodyBytes);
        try
        {
            ReadBody(body.AsSpan(0, header.BodyBytes));
            WireFrame.CheckBody(header, body.AsSpan(0, header.BodyBytes));
            VerifyMac(body.AsSpan(0, header.BodyBytes));
        }
        catch
        {
            if (pooled)
                ArrayPool<byte>.Shared.Return(body);
            throw;
        }

        return new VerifiedFrame(header.Kind, header.Group, body, header.BodyBytes, pooled);
    }

    /// <summary>Whether the next frame is buffered in full, so that reading it does not block.</summary>
    public bool HasBufferedFrame
    {
        get
        {
            var here = _buffer.AsSpan(_start, _end - _start);
            return here.Length >= WireFrame.HeaderBytes
                && (long)WireFrame.BodyBytesOf(here) + _macBytes <= here.Length - WireFrame.HeaderBytes;
        }
    }

    /// <summary>Returns the read buffer to the pool; no read may be in progress.</summary>
    public void Dispose()
    {
        if (_buffer.Length > 0)
            ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = [];
    }

    private void ReadBody(Span<byte> body)
    {
        // The rest of a body that fits into the buffer is read through the buffer; the same read can then return the frames after it.
        if (body.Length <= _buffer.Length && !Fill(body.Length))
            throw new EndOfStreamException("the connection ended inside a frame");

        var here = Math.Min(body.Length, _end - _start);
        _buffer.AsSpan(_start, here).CopyTo(body);
        _start += here;
        for (var rest = body[here..]; !rest.IsEmpty;)
        {
            var read = stream.Read(rest);
            if (read == 0)
                throw new EndOfStreamException("the connection ended inside a frame");
            rest = rest[read..];
        }
    }

    /// <summary>With a secret, reads the MAC that follows the frame, and verifies it.</summary>
    private void VerifyMac(ReadOnlySpan<byte> body)
    {
        if (authenticator is null)
            return;
        if (!Fill(FrameAuthenticator.MacBytes))
            throw new EndOfStreamException("the connection ended inside the MAC of a frame");
        authenticator.Verify(_header, body, _buffer.AsSpan(_start, FrameAuthenticator.MacBytes));
        _start += FrameAuthenticator.MacBytes;
    }

    /// <summary>Reads until this many bytes are in the buffer; returns false when the stream ends before.</summary>
    private bool Fill(int bytes)
    {
        while (_end - _start < bytes)
        {
            if (_start == _end)
            {
                _start = _end = 0;
            }
            else if (_buffer.Length - _start < bytes)
            {
                _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
                (_start, _end) = (0, _end - _start);
            }

            var read = stream.Read(_buffer.AsSpan(_end));
            if (read == 0)
                return false;
            _end += read;
        }

        return true;
    }
}

/// <summary>A frame with valid checksums; the body is at the start of the array.</summary>
internal readonly record struct VerifiedFrame(WireFrameKind Kind, GroupId Group, byte[] Body, int BodyBytes, bool Pooled)
{
    /// <summary>Returns the array of a skipped frame to the pool, if it is from there.</summary>
    public void ReturnBody()
    {
        if (Pooled)
            ArrayPool<byte>.Shared.Return(Body);
    }
}
