using System.Net.Sockets;
using Quorate.Raft;

namespace Quorate.Node.Transport;

/// <summary>What waits to be sent to one peer: two buffers that change places. One is filled while the other is written.</summary>
/// <remarks>
/// The loop writes what it has gathered itself, as far as the socket takes it without waiting: that is nearly always all of it, and
/// spares a change of threads on the way of every message. What the socket does not take is the writer's, a task that may wait; meanwhile the
/// loop only fills, so a busy connection batches by itself. One of the two writes at a time. The lock is held for one encoding or one exchange,
/// never across a write. A message goes in whole or not at all.
/// </remarks>
internal sealed class SendQueue(int bytesMax)
{
    /// <summary>A buffer that a burst made larger than this is given back once it has been sent.</summary>
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

    /// <summary>Encodes a message of <paramref name="bytes"/> bytes, or drops it: there is no connection, or no room.</summary>
    public bool TryAdd(Message message, int bytes)
    {
        lock (_gate)
        {
            if (!_open || bytes > bytesMax - _fillingBytes - _sendingBytes)
            {
                _dropped++;
                return false;
            }

            if (_filling.Length - _fillingBytes < bytes)
                Grow(_fillingBytes + bytes);
            WireEncoder.Encode(message, _filling.AsSpan(_fillingBytes, bytes));
            _fillingBytes += bytes;
            _fillingMessages++;
            return true;
        }
    }

    /// <summary>Sends what was added, now or as soon as the socket takes it. Never waits. For the loop.</summary>
    public void Flush()
    {
        if (_socket is { } socket && TryBeginWrite(out var write))
        {
            if (EndWrite(write, WriteNow(socket, write.Bytes.Span)))
                return;
        }

        _writable.Set();
    }

    /// <summary>Wakes the writer.</summary>
    public void SignalWriter() => _writable.Set();

    /// <summary>Completes when there may be something to write; also when the queue was closed.</summary>
    public ValueTask WaitAsync() => _writable.WaitAsync();

    /// <summary>A connection stands: messages are taken from now on.</summary>
    /// <param name="socket">The socket, not blocking, for the loop to write to; null when only the writer can.</param>
    public void Open(Socket? socket)
    {
        lock (_gate)
        {
            _open = true;
            _connection++;
            _socket = socket;
        }
    }

    /// <summary>The connection is gone, and with it all that was to go over it.</summary>
    public void Close()
    {
        lock (_gate)
        {
            _open = false;
            _socket = null;
            _connection++;
            _dropped += _fillingMessages + _sendingMessages;
            _fillingBytes = _fillingMessages = _sendingBytes = _sendingMessages = _written = 0;
            _isWriting = false;
            _filling = _sending = [];
        }

        _writable.Set();
    }

    /// <summary>Takes all that waits, to be written as it is and then given to <see cref="EndWrite"/>; false when there is nothing, or the other of the two is writing.</summary>
    public bool TryBeginWrite(out QueueWrite write)
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
            write = new QueueWrite(_connection, _sending.AsMemory(_written, _sendingBytes - _written));
            return true;
        }
    }

    /// <summary>So much of a write was done. False when there is more to write.</summary>
    public bool EndWrite(in QueueWrite write, int written)
    {
        lock (_gate)
        {
            if (write.Connection != _connection)
                return true; // closed meanwhile: it all counts as dropped

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

    /// <summary>Writes as much as the socket takes at once. An error is the writer's to find: it meets the same one, and it ends the connection.</summary>
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

/// <summary>What one of the writers of a <see cref="SendQueue"/> is writing.</summary>
/// <param name="Connection">The connection it is meant for, by the queue's count of them.</param>
/// <param name="Bytes">The bytes.</param>
internal readonly record struct QueueWrite(int Connection, ReadOnlyMemory<byte> Bytes);
