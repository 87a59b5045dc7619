using Google.Protobuf;
using Quorate.Server.Protos;

namespace Quorate.Server.Etcd;

/// <summary>Sends what is written to it as a sequence of responses, each with the number of bytes that follow it.</summary>
/// <remarks>
/// A write blocks while the client cannot receive. Memory: one part. Threading: one caller at a time.
/// Errors: <see cref="Grpc.Core.RpcException"/> if the client receives nothing for too long; what <c>send</c> throws passes.
/// </remarks>
/// <param name="totalBytes">The number of bytes that will be written. The last response has exactly 0 remaining bytes.</param>
/// <param name="header">The header of each response.</param>
/// <param name="send">Sends one response, and completes when the next one can be sent.</param>
/// <param name="stallTimeout">The maximum time for one response.</param>
/// <param name="cancellation">Ends the call.</param>
internal sealed class SnapshotPartStream(
    long totalBytes, ResponseHeader header, Func<SnapshotResponse, CancellationToken, Task> send, TimeSpan stallTimeout,
    CancellationToken cancellation) : Stream
{
    internal const int PartBytes = 64 * 1024;

    private readonly byte[] _part = new byte[PartBytes];
    private readonly CancellationTokenSource _stalled = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
    private int _count;
    private long _sentBytes;

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => _sentBytes + _count;
        set => throw new NotSupportedException();
    }

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        while (buffer.Length > 0)
        {
            if (_count == PartBytes)
                Flush();
            var taken = Math.Min(buffer.Length, PartBytes - _count);
            buffer[..taken].CopyTo(_part.AsSpan(_count));
            _count += taken;
            buffer = buffer[taken..];
        }
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    /// <summary>Sends what was written and not yet sent.</summary>
    public override void Flush()
    {
        if (_count == 0)
            return;
        _sentBytes += _count;
        if (_sentBytes > totalBytes)
            throw new InvalidOperationException($"the snapshot is longer than the {totalBytes} bytes that were measured");

        // The bytes are encoded into the buffers of the connection before the task completes, so the array can be used again.
        var response = new SnapshotResponse
        {
            Header = header,
            RemainingBytes = (ulong)(totalBytes - _sentBytes),
            Blob = UnsafeByteOperations.UnsafeWrap(_part.AsMemory(0, _count)),
            Version = ReportedVersions.EtcdCluster,
        };
        Send(response);
        _count = 0;
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            _stalled.Dispose();
        base.Dispose(disposing);
    }

    private void Send(SnapshotResponse response)
    {
        _stalled.CancelAfter(stallTimeout);
        try
        {
            send(response, _stalled.Token).GetAwaiter().GetResult();
        }
        catch (OperationCanceledException) when (_stalled.IsCancellationRequested && !cancellation.IsCancellationRequested)
        {
            throw EtcdErrors.SnapshotStalled(stallTimeout);
        }

        _stalled.CancelAfter(Timeout.InfiniteTimeSpan);
    }
}
