using System.Buffers.Binary;
using Quorate.Node.Storage;
using Quorate.Raft;

namespace Quorate.Node.Snapshots;

/// <summary>Writes a snapshot file: cuts what the state machine writes into chunks, and ends with the trailer.</summary>
/// <remarks>
/// Threading: one caller at a time. Memory: one chunk.
/// Errors: after a failed write, every further one fails too, so that a state machine that ignores an exception leaves no incomplete file.
/// </remarks>
internal sealed class SnapshotContentWriter : Stream
{
    private readonly IStorageFile _file;
    private readonly SnapshotHeader _header;
    private readonly DirtyPageLimit _dirtyPages;
    private readonly byte[] _chunk;
    private readonly CancellationToken _cancellationToken;
    private int _chunkLength = SnapshotChunk.HeaderBytes;
    private long _offset;
    private long _chunks;
    private long _contentBytes;
    private uint _checksum = ~0u;
    private bool _isComplete;
    private bool _hasFailed;

    /// <summary>Writes the header and the configuration to an empty file.</summary>
    public SnapshotContentWriter(
        IStorageFile file, SnapshotHeader header, Configuration configuration, SnapshotOptions options, CancellationToken cancellationToken)
    {
        _file = file;
        _header = header;
        _cancellationToken = cancellationToken;
        _dirtyPages = new DirtyPageLimit(file, options.FlushBytes);
        _chunk = new byte[SnapshotChunk.HeaderBytes + options.ChunkBytes];

        var first = new byte[SnapshotHeader.Bytes + header.ConfigurationBytes];
        header.Write(first);
        var section = first.AsSpan(SnapshotHeader.Bytes);
        SnapshotConfiguration.Write(section, configuration, header.Nonce, SnapshotHeader.Bytes);
        AddChecksum(BinaryPrimitives.ReadUInt32LittleEndian(first));
        AddChecksum(BinaryPrimitives.ReadUInt32LittleEndian(section));
        WriteToFile(first);
    }

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => _contentBytes + _chunkLength - SnapshotChunk.HeaderBytes;
        set => throw new NotSupportedException();
    }

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        if (_isComplete || _hasFailed)
            throw new InvalidOperationException("The snapshot is complete, or a write of it failed.");
        while (buffer.Length > 0)
        {
            if (_chunkLength == _chunk.Length)
                WriteChunk();
            var taken = Math.Min(buffer.Length, _chunk.Length - _chunkLength);
            buffer[..taken].CopyTo(_chunk.AsSpan(_chunkLength));
            _chunkLength += taken;
            buffer = buffer[taken..];
        }
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override void WriteByte(byte value) => Write([value]);

    /// <summary>Does nothing: the end of a write does not end a chunk.</summary>
    public override void Flush()
    {
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    /// <summary>Writes the last chunk and the trailer, and flushes the file.</summary>
    /// <returns>The length of the content and of the file, bytes.</returns>
    /// <remarks>Durability: the content of the file is on disk when this returns; its name may not be.</remarks>
    /// <exception cref="InvalidOperationException">An earlier write failed.</exception>
    public (long ContentBytes, long FileBytes) Complete()
    {
        if (_isComplete || _hasFailed)
            throw new InvalidOperationException("The snapshot is complete, or a write of it failed.");
        if (_chunkLength > SnapshotChunk.HeaderBytes)
            WriteChunk();
        _isComplete = true;
        Span<byte> trailer = stackalloc byte[SnapshotTrailer.Bytes];
        new SnapshotTrailer(_chunks, _contentBytes, ~_checksum).Write(trailer, _header.Nonce, _offset);
        WriteToFile(trailer);
        _dirtyPages.Flush();
        return (_contentBytes, _offset);
    }

    private void WriteChunk()
    {
        var chunk = _chunk.AsSpan(0, _chunkLength);
        AddChecksum(SnapshotChunk.Seal(chunk, _header.Nonce, _offset));
        WriteToFile(chunk);
        _chunks++;
        _contentBytes += _chunkLength - SnapshotChunk.HeaderBytes;
        _chunkLength = SnapshotChunk.HeaderBytes;
    }

    private void WriteToFile(ReadOnlySpan<byte> bytes)
    {
        _hasFailed = true;
        _cancellationToken.ThrowIfCancellationRequested();
        _file.Write(_offset, bytes);
        _dirtyPages.OnWritten(bytes.Length);
        _offset += bytes.Length;
        _hasFailed = false;
    }

    private void AddChecksum(uint checksum)
    {
        Span<byte> bytes = stackalloc byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, checksum);
        _checksum = Crc32C.Continue(_checksum, bytes);
    }
}
