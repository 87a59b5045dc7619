namespace Quorate.Raft;

/// <summary>What this member has given to the leader of its term, or is about to, and whose outcome is open. What is lost on the way is sent again.</summary>
/// <remarks>
/// <code>
///   Add ──► to send ── TakeToSend ──► sent ── heartbeat ──► waiting
///              ▲                                              │
///              └──── heartbeat: the oldest, one message of them
/// </code>
/// So each is sent again a heartbeat interval after it was sent, or later when many are open: then they take turns, and a quorum that is slow is not
/// also flooded. The leader takes a number once, as long as it lies within <see cref="ReplayWindow.Size"/> of the newest it has seen of this member; so no
/// two that are open here lie further apart, and what is sent again is never too old to be told from what was taken.
/// </remarks>
internal sealed class ForwardedProposals
{
    private readonly Dictionary<ulong, Proposal> _pending = [];
    private readonly Queue<ulong> _unsent = new();
    private readonly Queue<ulong> _sent = new();
    private readonly Queue<ulong> _retryable = new();

    /// <summary>No open number is below.</summary>
    private ulong _lowest;

    /// <summary>No number has been above.</summary>
    private ulong _highest;

    /// <summary>How many are open.</summary>
    public int Count => _pending.Count;

    /// <summary>What they weigh.</summary>
    public long Bytes { get; private set; }

    /// <summary>Something is to be sent.</summary>
    public bool HasUnsent => _unsent.Count > 0;

    /// <summary>Whether a number lies near enough to all that are open.</summary>
    public bool IsInWindow(ulong sequence)
    {
        if (_pending.Count == 0 || Spread(sequence) < ReplayWindow.Size)
            return true;

        // The lowest may have been settled long ago.
        _lowest = _highest;
        foreach (var pending in _pending.Keys)
            _lowest = Lower(_lowest, pending);
        return Spread(sequence) < ReplayWindow.Size;
    }

    /// <summary>Notes another, to be sent.</summary>
    public void Add(in Proposal proposal)
    {
        var sequence = proposal.Id.Sequence;
        (_lowest, _highest) = _pending.Count == 0 ? (sequence, sequence) : (Lower(_lowest, sequence), Higher(_highest, sequence));
        _pending.Add(sequence, proposal);
        _unsent.Enqueue(sequence);
        Bytes += SizeOf(proposal);
    }

    /// <summary>Its outcome is known, or nobody wants to know it any more.</summary>
    public void Remove(ulong sequence)
    {
        if (_pending.Remove(sequence, out var proposal))
            Bytes -= SizeOf(proposal);
    }

    /// <summary>The term is over, and nobody may take any of these any more.</summary>
    public void Clear()
    {
        _pending.Clear();
        _unsent.Clear();
        _sent.Clear();
        _retryable.Clear();
        Bytes = 0;
    }

    /// <summary>Takes what one message may carry of what is to be sent, oldest first, at least one; none when all are sent.</summary>
    public void DequeueUnsent(long bytesMax, List<Proposal> batch)
    {
        batch.Clear();
        long bytes = 0;
        while (_unsent.TryPeek(out var sequence))
        {
            if (_pending.TryGetValue(sequence, out var proposal))
            {
                bytes += SizeOf(proposal);
                if (batch.Count > 0 && bytes > bytesMax)
                    return;
                batch.Add(proposal);
                _sent.Enqueue(sequence);
            }

            _unsent.Dequeue();
        }
    }

    /// <summary>A heartbeat interval is over: what was sent before it began may be lost.</summary>
    public void OnHeartbeatInterval(long bytesMax)
    {
        long bytes = 0;
        while (bytes < bytesMax && _retryable.TryDequeue(out var sequence))
        {
            if (!_pending.TryGetValue(sequence, out var proposal))
                continue;
            bytes += SizeOf(proposal);
            _unsent.Enqueue(sequence);
        }

        while (_sent.TryDequeue(out var sequence))
        {
            if (_pending.ContainsKey(sequence))
                _retryable.Enqueue(sequence);
        }
    }

    /// <summary>The same proposals, to go on with apart.</summary>
    public ForwardedProposals Clone()
    {
        var clone = new ForwardedProposals { _lowest = _lowest, _highest = _highest, Bytes = Bytes };
        foreach (var (sequence, proposal) in _pending)
            clone._pending.Add(sequence, proposal);
        Copy(_unsent, clone._unsent);
        Copy(_sent, clone._sent);
        Copy(_retryable, clone._retryable);
        return clone;
    }

    /// <summary>Writes which are open in which queue, in order.</summary>
    public void WriteState<TWriter>(in TWriter state)
        where TWriter : IStateWriter
    {
        Write(state, _unsent);
        Write(state, _sent);
        Write(state, _retryable);
    }

    private void Write<TWriter>(in TWriter state, Queue<ulong> sequences)
        where TWriter : IStateWriter
    {
        var count = 0UL;
        foreach (var sequence in sequences)
        {
            if (!_pending.ContainsKey(sequence))
                continue;
            state.Number(sequence);
            count++;
        }

        state.Number(count);
    }

    private static void Copy(Queue<ulong> from, Queue<ulong> to)
    {
        foreach (var sequence in from)
            to.Enqueue(sequence);
    }

    private ulong Spread(ulong sequence) => Higher(_highest, sequence) - Lower(_lowest, sequence);

    private static int SizeOf(in Proposal proposal) => proposal.Command.Length + LogEntry.OverheadBytes;

    // Differences wrap around, as the numbers may.
    private static ulong Lower(ulong a, ulong b) => (long)(a - b) < 0 ? a : b;

    private static ulong Higher(ulong a, ulong b) => (long)(a - b) < 0 ? b : a;
}
