using System.Net.Sockets;
using Quorate.Node.Threading;
using Quorate.Raft;

namespace Quorate.Node.Transport;

/// <summary>The bytes that wait to be sent to one peer, in two alternating buffers: one is filled while the other is written.</summary>
/// <remarks>
/// The driver itself writes what it has queued, as far as the socket accepts it without blocking. That is nearly always everything, and it
/// saves a thread switch for each message. The rest is written by the writer, a task that may wait; meanwhile the driver only fills the
/// other buffer, so a busy connection batches by itself. Only one of the two writes at a time. The lock is held for one encoding or one
/// buffer swap, never across a write. A message is queued completely or not at all.
/// </remarks>
internal sealed class SendQueue(GroupId group, int bytesMax)
{
    /// <summary>The largest buffer that is kept after a burst has been sent.</summary>
    private const int RetainedBytesMax = 4 << 20;
    private const int FirstBytes = 64 << 10;

    private readonly Lock _gate = new();
    private readonly AsyncAutoResetEvent _writable = new();
    private byte[] _filling = [];
    private byte[] _sending = [];
    private int _fillingBytes;
    private int _fillingMessages;
    private int _sendingBytes;
    private int _sendingMessages;
    private int _written;
    private bool _isWriting;
    private int _connection;
    private bool _open;
    private Socket? _socket;
    private FrameAuthenticator? _authenticator;
    private ushort _protocol;
    private long _sentBytes;
    private long _sentMessages;
    private long _dropped;

    public long SentBytes => Volatile.Read(ref _sentBytes);

    public long SentMessages => Volatile.Read(ref _sentMessages);

    public long Dropped => Volatile.Read(ref _dropped);

    public bool IsOpen => Volatile.Read(ref _open);

    public int QueuedBytes
    {
        get
        {
            lock (_gate)
                return _fillingBytes + _sendingBytes;
        }
    }

    /// <summary>
    /// Encodes a message of <paramref name="bytes"/> bytes into the queue; drops it when there is no connection or no space, or when the
    /// peer does not know it.
    /// </summary>
    public bool TryAdd(Message message, int bytes)
    {
        lock (_gate)
        {
            var total = _authenticator is null ? bytes : bytes + FrameAuthenticator.MacBytes;
            if (!_open || !ProtocolVersion.Knows(_protocol, message) || total > bytesMax - _fillingBytes - _sendingBytes)
            {
                _dropped++;
                return false;
            }

            if (_filling.Length - _fillingBytes < total)
                Grow(_fillingBytes + total);
            var frame = _filling.AsSpan(_fillingBytes, bytes);
            WireEncoder.Encode(message, group, frame);
            _authenticator?.Sign(frame, _filling.AsSpan(_fillingBytes + bytes, FrameAuthenticator.MacBytes));
            _fillingBytes += total;
            _fillingMessages++;
            return true;
        }
    }

    /// <summary>Sends the queued messages, now or as soon as the socket accepts them. Never blocks. For the driver.</summary>
    public void Flush()
    {
        if (_socket is { } socket && TryBeginWrite(out var write))
        {
            if (EndWrite(write, WriteNow(socket, write.Bytes.Span)))
                return;
        }

        _writable.Set();
    }

    /// <summary>Signals the writer.</summary>
    public void SignalWriter() => _writable.Set();

    /// <summary>Completes when there may be something to write, or when the queue was closed.</summary>
    public ValueTask WaitAsync() => _writable.WaitAsync();

    /// <summary>Opens the queue for an established connection: messages are accepted from now on.</summary>
    /// <param name="socket">The non-blocking socket, for the driver to write to; null when only the writer can write.</param>
    /// <param name="authenticator">Signs the frames of the connection; null without a secret. The caller disposes it after Close.</param>
    /// <param name="protocol">The protocol version of the connection.</param>
    public void Open(Socket? socket, FrameAuthenticator? authenticator = null, ushort protocol = Handshake.VersionMax)
    {
        lock (_gate)
        {
            _open = true;
            _connection++;
            _socket = socket;
            _authenticator = authenticator;
            _protocol = protocol;
        }
    }

    /// <summary>Closes the queue because the connection has ended, and drops the queued messages.</summary>
    public void Close()
    {
        lock (_gate)
        {
            _open = false;
            _socket = null;
            _authenticator = null;
            _connection++;
            _dropped += _fillingMessages + _sendingMessages;
            _fillingBytes = _fillingMessages = _sendingBytes = _sendingMessages = _written = 0;
            _isWriting = false;
            _filling = _sending = [];
        }

        _writable.Set();
    }

    /// <summary>
    /// Takes all queued bytes, to be written unchanged and then passed to <see cref="EndWrite"/>. Returns false when there are none, or
    /// when the other of the two is writing.
    /// </summary>
    public bool TryBeginWrite(out SendQueueWrite write)
    {
        lock (_gate)
        {
            write = default;
            if (_isWriting || !_open)
                return false;

            if (_sendingBytes == 0)
            {
                if (_fillingBytes == 0)
                    return false;
                (_filling, _sending) = (_sending, _filling);
                (_sendingBytes, _sendingMessages) = (_fillingBytes, _fillingMessages);
                _fillingBytes = _fillingMessages = 0;
            }

            _isWriting = true;
            write = new SendQueueWrite(_connection, _sending.AsMemory(_written, _sendingBytes - _written));
            return true;
        }
    }

    /// <summary>Reports how many bytes of a write were written. Returns false when there is more to write.</summary>
    public bool EndWrite(in SendQueueWrite write, int written)
    {
        lock (_gate)
        {
            if (write.Connection != _connection)
                return true; // closed in the meantime: all of it counts as dropped

            _isWriting = false;
            _written += written;
            if (_written < _sendingBytes)
                return false;

            _sentBytes += _sendingBytes;
            _sentMessages += _sendingMessages;
            _sendingBytes = _sendingMessages = _written = 0;
            if (_sending.Length > RetainedBytesMax)
                _sending = [];
            return _fillingBytes == 0;
        }
    }

    /// <summary>
    /// Writes as much as the socket accepts at once. Errors are left to the writer, which encounters the same error and ends the
    /// connection.
    /// </summary>
    private static int WriteNow(Socket socket, ReadOnlySpan<byte> bytes)
    {
        try
        {
            var written = socket.Send(bytes, SocketFlags.None, out var error);
            return error == SocketError.Success ? written : 0;
        }
        catch (ObjectDisposedException)
        {
            return 0;
        }
    }

    private void Grow(int needed)
    {
        var size = Math.Max(FirstBytes, _filling.Length);
        while (size < needed)
            size *= 2; // bytesMax is at most 1 GiB, so this does not overflow
        var larger = GC.AllocateUninitializedArray<byte>(size);
        _filling.AsSpan(0, _fillingBytes).CopyTo(larger);
        _filling = larger;
    }
}

/// <summary>A write in progress on a <see cref="SendQueue"/>.</summary>
/// <param name="Connection">The number of the connection for which the bytes are meant, as the queue counts connections.</param>
/// <param name="Bytes">The bytes.</param>
internal readonly record struct SendQueueWrite(int Connection, ReadOnlyMemory<byte> Bytes);
