namespace Quorate.Raft;

/// <summary>
/// The pending proposals that this member has forwarded or will forward to the leader of its term. A proposal that may have been lost is
/// resent.
/// </summary>
/// <remarks>
/// <code>
///   Add ──► unsent ── DequeueUnsent ──► sent ── heartbeat ──► retryable
///              ▲                                                 │
///              └──── heartbeat: the oldest, one message of them
/// </code>
/// Each proposal is resent one heartbeat interval after it was sent, or later when many are pending: then each heartbeat resends one
/// message of the oldest ones, so that retries do not flood a slow quorum. The leader appends a sequence once, provided that it lies within
/// <see cref="ReplayWindow.Size"/> of the newest sequence the leader has seen of this member. Therefore no two pending sequences here are
/// further apart than that, and a resent sequence is never too old for the leader to recognise as a duplicate.
/// </remarks>
internal sealed class ForwardedProposals
{
    /// <summary>
    /// The most sequences of removed proposals in the queues, in addition to as many as there are pending ones; so few that they cost
    /// nothing, and so many that clearing them away is rare.
    /// </summary>
    private const int RemovedMax = 64;

    private readonly Dictionary<ulong, Proposal> _pending = [];
    private readonly Queue<ulong> _unsent = new();
    private readonly Queue<ulong> _sent = new();
    private readonly Queue<ulong> _retryable = new();

    /// <summary>No pending sequence is lower.</summary>
    private ulong _lowest;

    /// <summary>No sequence added so far is higher.</summary>
    private ulong _highest;

    /// <summary>The number of sequences in the queues, those of removed proposals included; for tests.</summary>
    internal int QueuedCount => _unsent.Count + _sent.Count + _retryable.Count;

    /// <summary>The number of pending proposals.</summary>
    public int Count => _pending.Count;

    /// <summary>The size of the pending proposals in bytes.</summary>
    public long Bytes { get; private set; }

    /// <summary>Whether proposals wait to be sent.</summary>
    public bool HasUnsent => _unsent.Count > 0;

    /// <summary>Whether a sequence lies within the replay window of all pending ones.</summary>
    public bool IsInWindow(ulong sequence)
    {
        if (_pending.Count == 0 || Spread(sequence) < ReplayWindow.Size)
            return true;

        // The proposal with the lowest sequence may have been removed since, so recompute the minimum.
        _lowest = _highest;
        foreach (var pending in _pending.Keys)
            _lowest = Lower(_lowest, pending);
        return Spread(sequence) < ReplayWindow.Size;
    }

    /// <summary>Adds a proposal to be sent.</summary>
    public void Add(in Proposal proposal)
    {
        var sequence = proposal.Id.Sequence;
        (_lowest, _highest) = _pending.Count == 0 ? (sequence, sequence) : (Lower(_lowest, sequence), Higher(_highest, sequence));
        _pending.Add(sequence, proposal);
        _unsent.Enqueue(sequence);
        Bytes += SizeOf(proposal);
    }

    /// <summary>Removes a proposal whose outcome is known or that was withdrawn.</summary>
    public void Remove(ulong sequence)
    {
        if (!_pending.Remove(sequence, out var proposal))
            return;
        Bytes -= SizeOf(proposal);

        // Each sequence is in one queue, and stays there when its proposal is removed. No queue is emptied while no leader is known or the
        // term is not durable, and proposals may come and go without limit meanwhile.
        if (QueuedCount > (2 * _pending.Count) + RemovedMax)
        {
            RemoveCompleted(_unsent);
            RemoveCompleted(_sent);
            RemoveCompleted(_retryable);
        }
    }

    /// <summary>Removes all proposals: the term has ended, and no leader may append them any more.</summary>
    public void Clear()
    {
        _pending.Clear();
        _unsent.Clear();
        _sent.Clear();
        _retryable.Clear();
        Bytes = 0;
    }

    /// <summary>Dequeues the unsent proposals that fit into one message, oldest first, at least one; none when all are sent.</summary>
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

    /// <summary>Ends a heartbeat interval: proposals sent before it began may be lost.</summary>
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

    /// <summary>Returns an independent copy.</summary>
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

    /// <summary>Writes the pending sequences of each queue, in order.</summary>
    public void WriteState<TWriter>(in TWriter state)
        where TWriter : IModelStateWriter
    {
        Write(state, _unsent);
        Write(state, _sent);
        Write(state, _retryable);
    }

    private void Write<TWriter>(in TWriter state, Queue<ulong> sequences)
        where TWriter : IModelStateWriter
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

    private void RemoveCompleted(Queue<ulong> sequences)
    {
        for (var i = sequences.Count; i > 0; i--)
        {
            var sequence = sequences.Dequeue();
            if (_pending.ContainsKey(sequence))
                sequences.Enqueue(sequence);
        }
    }

    private static void Copy(Queue<ulong> from, Queue<ulong> to)
    {
        foreach (var sequence in from)
            to.Enqueue(sequence);
    }

    private ulong Spread(ulong sequence) => Higher(_highest, sequence) - Lower(_lowest, sequence);

    private static int SizeOf(in Proposal proposal) => proposal.Command.Length + LogEntry.OverheadBytes;

    // Sequences may wrap around, so they are compared by their difference.
    private static ulong Lower(ulong a, ulong b) => (long)(a - b) < 0 ? a : b;

    private static ulong Higher(ulong a, ulong b) => (long)(a - b) < 0 ? b : a;
}
