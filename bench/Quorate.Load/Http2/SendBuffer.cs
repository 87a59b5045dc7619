namespace Quorate.Load.Http2;

/// <summary>Bytes to be sent, in order; grows as needed.</summary>
internal sealed class SendBuffer
{
    private byte[] _bytes = new byte[64 * 1024];
    private int _start;
    private int _end;

    public int Count => _end - _start;

    public ReadOnlySpan<byte> Unsent => _bytes.AsSpan(_start, Count);

    /// <summary>Returns space for at least <paramref name="count"/> bytes after the unsent ones.</summary>
    public Span<byte> Reserve(int count)
    {
        if (_end + count > _bytes.Length)
        {
            var larger = Count + count > _bytes.Length / 2 ? new byte[2 * (_bytes.Length + count)] : _bytes;
            Unsent.CopyTo(larger);
            (_bytes, _start, _end) = (larger, 0, Count);
        }

        return _bytes.AsSpan(_end);
    }

    public void Advance(int count) => _end += count;

    public void Consume(int count)
    {
        _start += count;
        if (_start == _end)
        {
            (_start, _end) = (0, 0);
        }
    }
}
