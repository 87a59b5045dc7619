namespace Quorate.Raft;

/// <summary>Which of one member's proposal numbers have been dealt with, so that a message that comes twice does nothing the second time.</summary>
/// <remarks>
/// Within one life of the member numbers ascend, but not strictly in the order in which they come: its clients draw them side by side, messages may
/// overtake each other, and what was lost is sent again. So the newest number is kept, and for the <see cref="Size"/> up to it a bit each; what is older still was seen, or is
/// nothing that the member still sends. Another life begins at a number drawn anew, far from the last one's. That two lives begin within 2^32 of each other has a
/// chance of one in two thousand million, and may cost the later one's proposals until the next term.
/// The last <see cref="SessionsMax"/> lives are kept. A message of one before those would be taken for a new life's, and its proposals for new. It would have to come out of the network, within one reign, after its
/// sender has started eight times since, and has had something forwarded each time; but what a life has sent comes on its own connection, and the first that its next life dials
/// ends that one.
/// </remarks>
internal sealed class ReplayWindow
{
    /// <summary>How far behind the newest a number may come and still be told from one that came before: 2 KiB of bits a life.</summary>
    public const int Size = 16_384;

    /// <summary>How many lives of a member are told apart: a member that starts again and again costs no more.</summary>
    public const int SessionsMax = 8;

    private const ulong SessionSpan = 1UL << 32;

    private readonly List<Session> _sessions = [];

    /// <summary>How many lives are kept.</summary>
    public int SessionCount => _sessions.Count;

    /// <summary>False when this number was noted before, or is too old to know.</summary>
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

    /// <summary>A number that has just been noted was refused, and will be whenever it comes again.</summary>
    public void RecordRejection(ulong sequence) => FindSession(sequence)!.MarkRejected(sequence);

    /// <summary>Whether this number was refused, as far as is known.</summary>
    public bool WasRejected(ulong sequence) => FindSession(sequence)!.WasRejected(sequence);

    /// <summary>The same numbers, to go on with apart.</summary>
    public ReplayWindow Clone()
    {
        var clone = new ReplayWindow();
        foreach (var session in _sessions)
            clone._sessions.Add(session.Clone());
        return clone;
    }

    /// <summary>Writes each life with the numbers seen in it.</summary>
    public void WriteState<TWriter>(in TWriter state)
        where TWriter : IStateWriter
    {
        state.Number((ulong)_sessions.Count);
        foreach (var session in _sessions)
            session.WriteState(state);
    }

    private Session? FindSession(ulong sequence)
    {
        for (var i = _sessions.Count - 1; i >= 0; i--)
        {
            // Differences wrap around, as the numbers may.
            if (sequence - _sessions[i].Newest - 1 < SessionSpan || _sessions[i].Newest - sequence < SessionSpan)
                return _sessions[i];
        }

        return null;
    }

    private sealed class Session(ulong firstSequence)
    {
        private ulong[] _seen = new ulong[Size / 64];

        /// <summary>Those of the numbers seen that were refused; made with the first.</summary>
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

        public bool WasRejected(ulong sequence) => _rejected is not null && Newest - sequence < Size && (_rejected[Word(sequence)] & Bit(sequence)) != 0;

        public Session Clone()
        {
            var clone = (Session)MemberwiseClone();
            clone._seen = [.. _seen];
            clone._rejected = _rejected is null ? null : [.. _rejected];
            return clone;
        }

        public void WriteState<TWriter>(in TWriter state)
            where TWriter : IStateWriter
        {
            state.Number(Newest);
            Write(state, _seen);
            Write(state, _rejected ?? []);
        }

        /// <summary>The bits of the numbers that come into the window were those of numbers that leave it.</summary>
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
            where TWriter : IStateWriter
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
