using Quorate.Raft;

namespace Quorate.Node.Transport;

/// <summary>What waits to be sent to one peer: two buffers that change places. The loop fills one while the writer sends the other.</summary>
/// <remarks>
/// Everything that gathers while one write is under way leaves with the next, so a busy connection batches by itself. The lock is held
/// for one encoding or one exchange, never across a write. A message goes in whole or not at all.
/// </remarks>
internal sealed class SendQueue(int bytesMax)
{
    /// <summary>A buffer that a burst made larger than this is given back once it has been sent.</summary>
    private const int KeptBytesMax = 4 << 20;
    private const int FirstBytes = 64 << 10;

    private readonly Lock _gate = new();
    private readonly AsyncSignal _filled = new();
    private byte[] _filling = [];
    private byte[] _sending = [];
    private int _fillingBytes;
    private int _fillingMessages;
    private int _sendingBytes;
    private int _sendingMessages;
    private bool _open;
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

    /// <summary>Wakes the writer.</summary>
    public void Flush() => _filled.Set();

    /// <summary>Completes when there may be something to take; also when the queue was closed.</summary>
    public ValueTask WaitAsync() => _filled.WaitAsync();

    /// <summary>A connection stands: messages are taken from now on.</summary>
    public void Open()
    {
        lock (_gate)
            _open = true;
    }

    /// <summary>The connection is gone, and with it all that was to go over it.</summary>
    public void Close()
    {
        lock (_gate)
        {
            _open = false;
            _dropped += _fillingMessages + _sendingMessages;
            _fillingBytes = _fillingMessages = _sendingBytes = _sendingMessages = 0;
            _filling = _sending = [];
        }

        _filled.Set();
    }

    /// <summary>Takes all that waits; it is to be written as it is, then <see cref="Sent"/> is called.</summary>
    public bool TryTake(out ReadOnlyMemory<byte> bytes)
    {
        lock (_gate)
        {
            if (_fillingBytes == 0)
            {
                bytes = default;
                return false;
            }

            (_filling, _sending) = (_sending, _filling);
            (_sendingBytes, _sendingMessages) = (_fillingBytes, _fillingMessages);
            _fillingBytes = _fillingMessages = 0;
            bytes = _sending.AsMemory(0, _sendingBytes);
            return true;
        }
    }

    /// <summary>What was taken last has been written.</summary>
    public void Sent()
    {
        lock (_gate)
        {
            _sentBytes += _sendingBytes;
            _sentMessages += _sendingMessages;
            _sendingBytes = _sendingMessages = 0;
            if (_sending.Length > KeptBytesMax)
                _sending = [];
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
