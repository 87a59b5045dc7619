using System.Buffers;

namespace Quorate.Node.Transport;

/// <summary>Cuts a stream of bytes into frames and checks each.</summary>
/// <remarks>
/// Small frames, and there are many of them in one read, are copied out of the read buffer. A frame that does not fit into it is read
/// straight into its own array, so that a megabyte of entries is copied once, by the kernel. (A PipeReader would copy it a second time.)
/// Threading: one thread reads, and waits in the system for bytes.
/// </remarks>
internal sealed class FrameReader(Stream stream, int frameBytesMax) : IDisposable
{
    private const int BufferBytes = 64 << 10;

    private byte[] _buffer = ArrayPool<byte>.Shared.Rent(BufferBytes);
    private int _start;
    private int _end;

    /// <summary>The next frame; null when the other side has closed between two frames.</summary>
    /// <exception cref="WireFormatException">What came is damaged, or too large.</exception>
    /// <exception cref="EndOfStreamException">The other side closed in the middle of a frame, as a killed process does.</exception>
    public Frame? Read()
    {
        if (!Fill(WireFrame.HeaderBytes))
            return _start == _end ? null : throw new EndOfStreamException("the connection ended inside a frame header");

        var header = WireFrame.ReadHeader(_buffer.AsSpan(_start, _end - _start), frameBytesMax);
        _start += WireFrame.HeaderBytes;
        var pooled = !WireDecoder.RetainsBody(header);
        var body = pooled ? ArrayPool<byte>.Shared.Rent(header.BodyBytes) : GC.AllocateUninitializedArray<byte>(header.BodyBytes);
        try
        {
            ReadBody(body.AsSpan(0, header.BodyBytes));
            WireFrame.CheckBody(header, body.AsSpan(0, header.BodyBytes));
        }
        catch
        {
            if (pooled)
                ArrayPool<byte>.Shared.Return(body);
            throw;
        }

        return new Frame(header.Kind, body, header.BodyBytes, pooled);
    }

    /// <summary>Whether the next frame is here already, so that reading it will not wait.</summary>
    public bool HasBufferedFrame
    {
        get
        {
            var here = _buffer.AsSpan(_start, _end - _start);
            return here.Length >= WireFrame.HeaderBytes && WireFrame.BodyBytesOf(here) <= (uint)(here.Length - WireFrame.HeaderBytes);
        }
    }

    /// <summary>Gives the read buffer back; nothing may be reading.</summary>
    public void Dispose()
    {
        if (_buffer.Length > 0)
            ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = [];
    }

    private void ReadBody(Span<byte> body)
    {
        // What is left of a body that fits into the buffer comes through it, and with it, in the same read, the frames behind.
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

    /// <summary>Reads until this many bytes are in the buffer; false when the stream ends before.</summary>
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

/// <summary>A frame whose checksums were right; the body is at the beginning of the array.</summary>
internal readonly record struct Frame(WireKind Kind, byte[] Body, int BodyBytes, bool Pooled);
