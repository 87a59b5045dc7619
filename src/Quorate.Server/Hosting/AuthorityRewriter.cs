using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.InteropServices;

namespace Quorate.Server.Hosting;

/// <summary>Lets in clients that call themselves to <c>http://host:port</c> where HTTP/2 wants <c>host:port</c>.</summary>
/// <remarks>
/// etcd's Go client up to 3.4 sends the whole URL as <c>:authority</c> when it asks one member for its status, hash or defragmentation. Go's
/// server does not care; Kestrel resets the stream, and has no switch for it. So the first header block of a connection is looked at, and if
/// its authority begins with <c>http://</c>, those letters become <c>httpx..</c>, which Kestrel takes for a name; nobody reads it further.
/// The new letters take as many bits as the old ones and decode to as many, so that neither a length nor the compression's table changes.
/// A connection that begins rightly is never looked at again. To change a byte in any other header that looks alike, a client must have
/// made it so itself, and it changes for nobody else. Source: RFC 9113 §4.1 (frames), RFC 7541 §6.2 (literals), Appendix B (the code).
/// </remarks>
internal sealed class AuthorityRewriter(PipeReader inner) : PipeReader
{
    private const int PrefaceBytes = 24;
    private const int FrameHeaderBytes = 9;
    private const int FrameBytesMax = 1 << 14;
    private const byte HeadersType = 1;

    /// <summary>"http://", compressed; the last bit of the last slash is the first of the next byte, a 0.</summary>
    private static ReadOnlySpan<byte> Compressed => [0x9d, 0x29, 0xae, 0xe3, 0x0c];

    /// <summary>"httpx..", compressed; the last bit, a 1, goes to the next byte.</summary>
    private static ReadOnlySpan<byte> CompressedReplacement => [0x9d, 0x29, 0xaf, 0xca, 0xeb];

    private bool _isInspecting = true;
    private bool _hasRewritten;

    // Of the next frame's head, from the start of what is unread.
    private long _nextFrameOffset = PrefaceBytes;
    private ReadOnlySequence<byte> _lastReturned;

    /// <inheritdoc/>
    public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default) =>
        _isInspecting ? ReadInspectedAsync(cancellationToken) : inner.ReadAsync(cancellationToken);

    /// <inheritdoc/>
    public override bool TryRead(out ReadResult result)
    {
        if (!inner.TryRead(out result))
            return false;
        return !_isInspecting || TryReturn(ref result);
    }

    /// <inheritdoc/>
    public override void AdvanceTo(SequencePosition consumed) => AdvanceTo(consumed, consumed);

    /// <inheritdoc/>
    public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
    {
        if (_isInspecting)
            _nextFrameOffset -= _lastReturned.Slice(0, consumed).Length;
        inner.AdvanceTo(consumed, examined);
    }

    /// <inheritdoc/>
    public override void CancelPendingRead() => inner.CancelPendingRead();

    /// <inheritdoc/>
    public override void Complete(Exception? exception = null) => inner.Complete(exception);

    /// <inheritdoc/>
    public override ValueTask CompleteAsync(Exception? exception = null) => inner.CompleteAsync(exception);

    private async ValueTask<ReadResult> ReadInspectedAsync(CancellationToken cancellation)
    {
        while (true)
        {
            var result = await inner.ReadAsync(cancellation).ConfigureAwait(false);
            if (TryReturn(ref result))
                return result;
        }
    }

    /// <summary>Hands over all but a header block that is not whole yet. False: there is nothing but that, and more must be read.</summary>
    private bool TryReturn(ref ReadResult result)
    {
        var buffer = result.Buffer;
        var length = InspectFrames(buffer);
        if (result.IsCompleted)
            length = buffer.Length;
        if (length == 0 && !result.IsCompleted && !result.IsCanceled)
        {
            inner.AdvanceTo(buffer.Start, buffer.End);
            return false;
        }

        _lastReturned = buffer.Slice(0, length);
        result = new ReadResult(_lastReturned, result.IsCanceled, result.IsCompleted);
        return true;
    }

    /// <summary>Goes from frame to frame; answers how many bytes may be handed over.</summary>
    private long InspectFrames(ReadOnlySequence<byte> buffer)
    {
        Span<byte> header = stackalloc byte[FrameHeaderBytes];
        while (_nextFrameOffset + FrameHeaderBytes <= buffer.Length)
        {
            buffer.Slice(_nextFrameOffset, FrameHeaderBytes).CopyTo(header);
            var length = (header[0] << 16) | (header[1] << 8) | header[2];
            if (header[3] == HeadersType)
            {
                if (length > FrameBytesMax)
                    return StopInspecting(buffer); // Kestrel refuses it.
                if (_nextFrameOffset + FrameHeaderBytes + length > buffer.Length)
                    return _nextFrameOffset;
                if (!Rewrite(buffer.Slice(_nextFrameOffset + FrameHeaderBytes, length)) && !_hasRewritten)
                    return StopInspecting(buffer);
                _hasRewritten = true;
            }

            _nextFrameOffset += FrameHeaderBytes + length;
        }

        return Math.Min(_nextFrameOffset, buffer.Length);
    }

    private long StopInspecting(ReadOnlySequence<byte> buffer)
    {
        // The bytes at hand are handed over whole; AdvanceTo no longer counts.
        _isInspecting = false;
        return buffer.Length;
    }

    /// <summary>Mends the authority of one header block, in place: the bytes are the connection's own and nobody has read them.</summary>
    private static bool Rewrite(ReadOnlySequence<byte> block)
    {
        var bytes = block.ToArray();
        for (var i = 0; i + 2 + Compressed.Length < bytes.Length; i++)
        {
            // A literal whose name is the table's first, :authority; to be indexed, not indexed, never indexed.
            if (bytes[i] is not (0x41 or 0x01 or 0x11))
                continue;

            var value = bytes.AsSpan(i + 2);
            var isCompressed = bytes[i + 1] >= 0x80;
            if (isCompressed && value.StartsWith(Compressed) && value[Compressed.Length] < 0x80)
            {
                Overwrite(block, i + 2, [.. CompressedReplacement, (byte)(value[Compressed.Length] | 0x80)]);
                return true;
            }

            if (!isCompressed && value.StartsWith("http://"u8))
            {
                Overwrite(block, i + 2, "httpx.."u8);
                return true;
            }
        }

        return false;
    }

    private static void Overwrite(ReadOnlySequence<byte> target, long at, ReadOnlySpan<byte> bytes)
    {
        foreach (var segment in target.Slice(at, bytes.Length))
        {
            bytes[..segment.Length].CopyTo(MemoryMarshal.AsMemory(segment).Span);
            bytes = bytes[segment.Length..];
        }
    }
}
