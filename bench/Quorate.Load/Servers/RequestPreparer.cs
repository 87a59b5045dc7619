using System.Buffers.Binary;

namespace Quorate.Load.Servers;

/// <summary>Sets the key and the value of each request. Threading: one thread.</summary>
/// <remarks>
/// A key is its decimal number, padded with zeros on the left: <c>00000042</c>. The value's bytes are random, so nothing can compress them;
/// its first eight bytes count the requests, so no two values are equal.
/// </remarks>
internal sealed class RequestPreparer
{
    private readonly int _keyAt;
    private readonly int _keyBytes;
    private readonly int _space;
    private readonly int _valueAt;
    private readonly int _counterBytes;
    private readonly KeySequence? _sequence;
    private readonly Random _random;
    private long _counter;

    public RequestPreparer(ServerLoadOptions options, KeySequence sequence, int thread)
    {
#pragma warning disable CA5394 // A load generator needs reproducible numbers, not unpredictable ones.
        _random = new Random((options.Seed * 1_000_003) + thread);
        _keyBytes = options.KeyBytes;
        _space = options.KeySpace;
        _sequence = options.SequentialKeys ? sequence : null;
        if (options.Operation is ServerOperation.Range)
        {
            Path = EtcdMessages.Range;
            Message = EtcdMessages.RangeRequest(_keyBytes, options.Serializable, out _keyAt);
            return;
        }

        Path = EtcdMessages.Put;
        Message = EtcdMessages.PutRequest(_keyBytes, options.ValueBytes, out _keyAt, out _valueAt);
        _random.NextBytes(Message.AsSpan(_valueAt));
        _counterBytes = options.ValueBytes >= sizeof(long) ? sizeof(long) : 0;
        _counter = (long)thread << 48;
#pragma warning restore CA5394
    }

    /// <summary>The gRPC method.</summary>
    public string Path { get; }

    /// <summary>The message to copy, with placeholders for key and value.</summary>
    public byte[] Message { get; }

    /// <summary>Sets the key and the value in a copy of <see cref="Message"/>.</summary>
    public void Prepare(Span<byte> message)
    {
#pragma warning disable CA5394 // As above.
        var rest = _sequence?.Next(_space) ?? _random.Next(_space);
#pragma warning restore CA5394
        var key = message.Slice(_keyAt, _keyBytes);
        for (var i = key.Length - 1; i >= 0; i--)
        {
            (rest, var digit) = Math.DivRem(rest, 10);
            key[i] = (byte)('0' + digit);
        }

        if (_counterBytes > 0)
        {
            BinaryPrimitives.WriteInt64LittleEndian(message[_valueAt..], _counter++);
        }
    }
}

/// <summary>A counter shared by all threads: 0, 1, 2, …, wrapping around at the end of the key space.</summary>
internal sealed class KeySequence
{
    private long _next = -1;

    public int Next(int space) => (int)(Interlocked.Increment(ref _next) % space);
}
