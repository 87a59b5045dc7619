namespace Quorate.Raft;

/// <summary>
/// Messages of log entries in flight, oldest first, and their size: sent to a follower and not acknowledged, or passed to the state machine
/// and not applied.
/// </summary>
internal sealed class InflightWindow(int messagesMax, long bytesMax)
{
    private Queue<(LogIndex Last, long Bytes)> _messages = new();
    private long _bytes;

    /// <summary>Whether the window is full, so that the next message must wait.</summary>
    public bool IsFull => _messages.Count >= messagesMax || _bytes >= bytesMax;

    /// <summary>The number of messages in flight.</summary>
    public int Count => _messages.Count;

    /// <summary>Bytes of entries in flight.</summary>
    public long Bytes => _bytes;

    /// <summary>Adds a message whose last entry is <paramref name="last"/>.</summary>
    public void Add(LogIndex last, long bytes)
    {
        _messages.Enqueue((last, bytes));
        _bytes += bytes;
    }

    /// <summary>Removes the messages up to <paramref name="match"/>.</summary>
    public void FreeUpTo(LogIndex match)
    {
        while (_messages.TryPeek(out var oldest) && oldest.Last <= match)
            _bytes -= _messages.Dequeue().Bytes;
    }

    /// <summary>Returns an independent copy.</summary>
    public InflightWindow Clone()
    {
        var clone = (InflightWindow)MemberwiseClone();
        clone._messages = new(_messages);
        return clone;
    }

    /// <summary>Writes the messages in flight.</summary>
    public void WriteState<TWriter>(in TWriter state)
        where TWriter : IModelStateWriter
    {
        state.Number((ulong)_messages.Count);
        foreach (var (last, bytes) in _messages)
        {
            state.Number(last.Value);
            state.Number((ulong)bytes);
        }
    }

    /// <summary>Removes all messages: they are considered lost.</summary>
    public void Clear()
    {
        _messages.Clear();
        _bytes = 0;
    }
}
