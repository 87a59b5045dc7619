namespace Quorate.Raft;

/// <summary>
/// Detects duplicate proposals of one member by their sequences (an anti-replay window), so that a message delivered twice has no effect
/// the second time.
/// </summary>
/// <remarks>
/// Within one process of the member (a session) sequences ascend, but do not arrive strictly in order: clients draw them concurrently,
/// messages may be reordered, and lost ones are resent. So the window keeps the newest sequence, and one bit for each of the
/// <see cref="Size"/> sequences up to it; an older one was seen, or is not sent by the member any more.
/// Another session begins at a random number, far from the previous one's. The probability that two sessions begin within 2^32 of each
/// other is one in 2^31; proposals of the later session may then be ignored as duplicates until the next term.
/// The last <see cref="SessionsMax"/> sessions are kept. A message of an earlier session would be taken for a new session's, and its
/// proposals for new ones. Such a message would have to arrive within one leader term after its sender has restarted eight times and
/// forwarded proposals each time. But a session sends over its own connection, and the first connection of the next session closes the
/// previous one.
/// </remarks>
internal sealed class ReplayWindow
{
    /// <summary>
    /// The number of sequences, up to the newest, that are recognised as new or duplicate: 2 KiB of bits per session.
    /// </summary>
    public const int Size = 16_384;

    /// <summary>The maximum number of sessions kept per member: memory stays bounded, however often a member restarts.</summary>
    public const int SessionsMax = 8;

    private const ulong SessionSpan = 1UL << 32;

    private readonly List<Session> _sessions = [];

    /// <summary>The number of sessions kept.</summary>
    public int SessionCount => _sessions.Count;

    /// <summary>Records a sequence. Returns false when it was recorded before, or is older than the window.</summary>
    public bool TryRecord(ulong sequence)
    {
        if (FindSession(sequence) is not { } session)
        {
            if (_sessions.Count == SessionsMax)
                _sessions.RemoveAt(0);
            _sessions.Add(session = new Session(sequence));
        }

        return session.TrySet(sequence);
    }

    /// <summary>Records that a sequence which was just recorded was rejected; every duplicate of it is rejected too.</summary>
    public void RecordRejection(ulong sequence) => FindSession(sequence)!.MarkRejected(sequence);

    /// <summary>Whether this sequence is known to have been rejected.</summary>
    public bool WasRejected(ulong sequence) => FindSession(sequence)!.WasRejected(sequence);

    /// <summary>Returns an independent copy.</summary>
    public ReplayWindow Clone()
    {
        var clone = new ReplayWindow();
        foreach (var session in _sessions)
            clone._sessions.Add(session.Clone());
        return clone;
    }

    /// <summary>Writes each session with its recorded sequences.</summary>
    public void WriteState<TWriter>(in TWriter state)
        where TWriter : IModelStateWriter
    {
        state.Number((ulong)_sessions.Count);
        foreach (var session in _sessions)
            session.WriteState(state);
    }

    private Session? FindSession(ulong sequence)
    {
        for (var i = _sessions.Count - 1; i >= 0; i--)
        {
            // Sequences may wrap around, so they are compared by their difference.
            if (sequence - _sessions[i].Newest - 1 < SessionSpan || _sessions[i].Newest - sequence < SessionSpan)
                return _sessions[i];
        }

        return null;
    }

    private sealed class Session(ulong firstSequence)
    {
        private ulong[] _seen = new ulong[Size / 64];

        /// <summary>One bit for each recorded sequence that was rejected; allocated for the first one.</summary>
        private ulong[]? _rejected;

        public ulong Newest { get; private set; } = firstSequence;

        public bool TrySet(ulong sequence)
        {
            if (sequence - Newest - 1 < SessionSpan)
                AdvanceTo(sequence);
            else if (Newest - sequence >= Size)
                return false;

            ref var word = ref _seen[Word(sequence)];
            if ((word & Bit(sequence)) != 0)
                return false;
            word |= Bit(sequence);
            return true;
        }

        public void MarkRejected(ulong sequence) => (_rejected ??= new ulong[Size / 64])[Word(sequence)] |= Bit(sequence);

        public bool WasRejected(ulong sequence) =>
            _rejected is not null && Newest - sequence < Size && (_rejected[Word(sequence)] & Bit(sequence)) != 0;

        public Session Clone()
        {
            var clone = (Session)MemberwiseClone();
            clone._seen = [.. _seen];
            clone._rejected = _rejected is null ? null : [.. _rejected];
            return clone;
        }

        public void WriteState<TWriter>(in TWriter state)
            where TWriter : IModelStateWriter
        {
            state.Number(Newest);
            Write(state, _seen);
            Write(state, _rejected ?? []);
        }

        /// <summary>
        /// Advances the window. The bits of the sequences that enter it were those of sequences that leave it, so they are cleared.
        /// </summary>
        private void AdvanceTo(ulong newest)
        {
            if (newest - Newest >= Size)
            {
                Array.Clear(_seen);
                _rejected = null;
            }
            else
            {
                for (var sequence = Newest + 1; sequence != newest + 1; sequence++)
                {
                    _seen[Word(sequence)] &= ~Bit(sequence);
                    if (_rejected is not null)
                        _rejected[Word(sequence)] &= ~Bit(sequence);
                }
            }

            Newest = newest;
        }

        private static void Write<TWriter>(in TWriter state, ulong[] bits)
            where TWriter : IModelStateWriter
        {
            for (var word = 0; word < bits.Length; word++)
            {
                if (bits[word] == 0)
                    continue;
                state.Number((ulong)word);
                state.Number(bits[word]);
            }

            state.Number((ulong)Size / 64);
        }

        private static int Word(ulong sequence) => (int)(sequence % Size / 64);

        private static ulong Bit(ulong sequence) => 1UL << (int)(sequence % 64);
    }
}
