namespace Quorate.Node.Snapshots;

/// <summary>The content of a snapshot as a stream: what the state machine wrote.</summary>
/// <remarks>
/// A chunk is verified before any byte of it is returned, and the trailer before any byte of the last chunk is: a reader that stops at the
/// last byte that it needs has seen a complete snapshot too. Threading: one caller at a time. Memory: one chunk.
/// Errors: <see cref="SnapshotCorruptionException"/>, also when the disk cannot read the bytes; <see cref="OperationCanceledException"/>.
/// </remarks>
internal sealed class SnapshotContentReader(SnapshotReader file, CancellationToken cancellationToken) : Stream
{
    private readonly SnapshotVerifier _verifier = new(file.Name, file.Length);
    private readonly byte[] _buffer = new byte[SnapshotChunk.HeaderBytes + SnapshotChunk.PayloadBytesMax];
    private int _payloadAt;
    private int _payloadEnd;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => _verifier.ContentBytes - (_payloadEnd - _payloadAt);
        set => throw new NotSupportedException();
    }

    public override int Read(Span<byte> buffer)
    {
        if (buffer.IsEmpty)
            return 0;
        while (_payloadAt == _payloadEnd && !_verifier.IsComplete)
            ReadUnits();
        var taken = Math.Min(buffer.Length, _payloadEnd - _payloadAt);
        _buffer.AsSpan(_payloadAt, taken).CopyTo(buffer);
        _payloadAt += taken;
        return taken;
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return new ValueTask<int>(Read(buffer.Span));
    }

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            file.Dispose();
        base.Dispose(disposing);
    }

    // Reads a unit, and the trailer too when the unit is the last chunk.
    private void ReadUnits()
    {
        cancellationToken.ThrowIfCancellationRequested();
        var payloadBytes = ReadUnit(_buffer);
        if (payloadBytes > 0 && _verifier.Offset + SnapshotTrailer.Bytes == file.Length)
            ReadUnit(new byte[SnapshotTrailer.Bytes]);
        _payloadAt = payloadBytes > 0 ? SnapshotChunk.HeaderBytes : 0;
        _payloadEnd = _payloadAt + payloadBytes;
    }

    private int ReadUnit(byte[] buffer)
    {
        var read = file.ReadOrThrowCorruption(_verifier.Offset, buffer);
        var length = _verifier.UnitBytes(buffer.AsSpan(0, read));
        if (length > buffer.Length)
        {
            // A configuration that is longer than a chunk.
            buffer = new byte[length];
            read = file.ReadOrThrowCorruption(_verifier.Offset, buffer);
        }

        return length <= read
            ? _verifier.Accept(buffer.AsSpan(0, length)).Length
            : throw new SnapshotCorruptionException(
                file.Name, _verifier.Offset + read, "the file has become shorter", SnapshotVerifier.WrittenWhole);
    }
}
