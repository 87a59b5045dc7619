namespace Quorate.Raft;

/// <summary>Pieces of the log on their way, oldest first, and what they weigh: to a follower and not acknowledged, or to the state machine and not applied.</summary>
internal sealed class InflightWindow(int messagesMax, long bytesMax)
{
    private Queue<(LogIndex Last, long Bytes)> _messages = new();
    private long _bytes;

    /// <summary>Whether another piece must wait until one has arrived.</summary>
    public bool IsFull => _messages.Count >= messagesMax || _bytes >= bytesMax;

    /// <summary>How many pieces are on their way.</summary>
    public int Count => _messages.Count;

    /// <summary>Bytes of entries on their way.</summary>
    public long Bytes => _bytes;

    /// <summary>A piece whose last entry is <paramref name="last"/> has left.</summary>
    public void Add(LogIndex last, long bytes)
    {
        _messages.Enqueue((last, bytes));
        _bytes += bytes;
    }

    /// <summary>Everything up to <paramref name="match"/> has arrived.</summary>
    public void FreeUpTo(LogIndex match)
    {
        while (_messages.TryPeek(out var oldest) && oldest.Last <= match)
            _bytes -= _messages.Dequeue().Bytes;
    }

    /// <summary>The same messages, to go on with apart.</summary>
    public InflightWindow Clone()
    {
        var clone = (InflightWindow)MemberwiseClone();
        clone._messages = new(_messages);
        return clone;
    }

    /// <summary>Writes what is on its way.</summary>
    public void WriteState<TWriter>(in TWriter state)
        where TWriter : IStateWriter
    {
        state.Number((ulong)_messages.Count);
        foreach (var (last, bytes) in _messages)
        {
            state.Number(last.Value);
            state.Number((ulong)bytes);
        }
    }

    /// <summary>Whatever was on its way is taken for lost.</summary>
    public void Clear()
    {
        _messages.Clear();
        _bytes = 0;
    }
}
