using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.InteropServices;

namespace Quorate.Server.Hosting;

/// <summary>Rewrites the <c>:authority</c> of clients that send <c>http://host:port</c> where HTTP/2 requires <c>host:port</c>.</summary>
/// <remarks>
/// etcd's Go client up to 3.4 sends the whole URL as <c>:authority</c> when it requests the status, hash or defragmentation of one member.
/// Go's server accepts it; Kestrel resets the stream and has no option to accept it. The rewriter therefore inspects the first header block
/// of a connection. If its authority begins with <c>http://</c>, the rewriter replaces these characters by <c>httpx..</c>, which Kestrel
/// accepts as a host name; the server does not use the value. The replacement has the same length, in plain bytes and in Huffman-coded
/// bits, so neither a length field nor the HPACK dynamic table changes. A connection whose first authority is valid is not inspected
/// further. Another header whose bytes look like a URL authority is changed only if the client itself built it so, and only on that
/// client's connection.
/// Source: RFC 9113 §4.1 (frames), RFC 7541 §6.2 (literals), Appendix B (Huffman code).
/// </remarks>
internal sealed class AuthorityRewritingPipeReader(PipeReader inner) : PipeReader
{
    private const int PrefaceBytes = 24;
    private const int FrameHeaderBytes = 9;
    private const int FrameBytesMax = 1 << 14;
    private const byte HeadersType = 1;

    /// <summary>"http://", Huffman-coded; the last bit of the last slash, a 0, is the first bit of the next byte.</summary>
    private static ReadOnlySpan<byte> Compressed => [0x9d, 0x29, 0xae, 0xe3, 0x0c];

    /// <summary>"httpx..", Huffman-coded; its last bit, a 1, is the first bit of the next byte.</summary>
    private static ReadOnlySpan<byte> CompressedReplacement => [0x9d, 0x29, 0xaf, 0xca, 0xeb];

    private bool _isInspecting = true;
    private bool _hasRewritten;

    // The offset of the next frame's header from the start of the unconsumed bytes.
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

    /// <summary>
    /// Limits the result to the bytes before an incomplete header block. Returns false if there are none, so that more bytes must be read
    /// first.
    /// </summary>
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

    /// <summary>
    /// Inspects the buffered frames and rewrites their header blocks; returns the number of bytes that the reader may receive.
    /// </summary>
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
                    return StopInspecting(buffer); // Kestrel rejects a frame this large.
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
        // The whole buffer is returned, and AdvanceTo no longer tracks frame offsets.
        _isInspecting = false;
        return buffer.Length;
    }

    /// <summary>
    /// Rewrites the authority of one header block in place; the buffer belongs to the connection and has not been read yet.
    /// </summary>
    private static bool Rewrite(ReadOnlySequence<byte> block)
    {
        var bytes = block.ToArray();
        for (var i = 0; i + 2 + Compressed.Length < bytes.Length; i++)
        {
            // A literal whose name is entry 1 of the static table, :authority: with incremental indexing, without indexing, never indexed.
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
