namespace Quorate.Raft;

/// <summary>Which of one member's proposal numbers have been dealt with, so that a message that comes twice does nothing the second time.</summary>
/// <remarks>
/// Within one life of the member numbers ascend, but not strictly in the order in which they come: its clients draw them side by side, messages may
/// overtake each other, and what was lost is sent again. So the newest number is kept, and for the <see cref="Window"/> up to it a bit each; what is older still was seen, or is
/// nothing that the member still sends. Another life begins at a number drawn anew, far from the last one's. That two lives begin within 2^32 of each other has a
/// chance of one in two thousand million, and may cost the later one's proposals until the next term.
/// The last <see cref="LivesMax"/> lives are kept. A message of one before those would be taken for a new life's, and its proposals for new. It would have to come out of the network, within one reign, after its
/// sender has started eight times since, and has had something forwarded each time; but what a life has sent comes on its own connection, and the first that its next life dials
/// ends that one.
/// </remarks>
internal sealed class SeenSequences
{
    /// <summary>How far behind the newest a number may come and still be told from one that came before: 2 KiB of bits a life.</summary>
    public const int Window = 16_384;

    /// <summary>How many lives of a member are told apart: a member that starts again and again costs no more.</summary>
    public const int LivesMax = 8;

    private const ulong LifeSpan = 1UL << 32;

    private readonly List<Life> _lives = [];

    /// <summary>How many lives are kept.</summary>
    public int Lives => _lives.Count;

    /// <summary>False when this number was noted before, or is too old to know.</summary>
    public bool TryNote(ulong sequence)
    {
        if (LifeOf(sequence) is not { } life)
        {
            if (_lives.Count == LivesMax)
                _lives.RemoveAt(0);
            _lives.Add(life = new Life(sequence));
        }

        return life.TrySet(sequence);
    }

    /// <summary>A number that has just been noted was refused, and will be whenever it comes again.</summary>
    public void NoteRefused(ulong sequence) => LifeOf(sequence)!.Refuse(sequence);

    /// <summary>Whether this number was refused, as far as is known.</summary>
    public bool WasRefused(ulong sequence) => LifeOf(sequence)!.WasRefused(sequence);

    /// <summary>The same numbers, to go on with apart.</summary>
    public SeenSequences Clone()
    {
        var clone = new SeenSequences();
        foreach (var life in _lives)
            clone._lives.Add(life.Clone());
        return clone;
    }

    /// <summary>Writes each life with the numbers seen in it.</summary>
    public void WriteState<TWriter>(in TWriter state)
        where TWriter : IStateWriter
    {
        state.Number((ulong)_lives.Count);
        foreach (var life in _lives)
            life.WriteState(state);
    }

    private Life? LifeOf(ulong sequence)
    {
        for (var i = _lives.Count - 1; i >= 0; i--)
        {
            // Differences wrap around, as the numbers may.
            if (sequence - _lives[i].Newest - 1 < LifeSpan || _lives[i].Newest - sequence < LifeSpan)
                return _lives[i];
        }

        return null;
    }

    private sealed class Life(ulong first)
    {
        private ulong[] _seen = new ulong[Window / 64];

        /// <summary>Those of the numbers seen that were refused; made with the first.</summary>
        private ulong[]? _refused;

        public ulong Newest { get; private set; } = first;

        public bool TrySet(ulong number)
        {
            if (number - Newest - 1 < LifeSpan)
                MoveTo(number);
            else if (Newest - number >= Window)
                return false;

            ref var word = ref _seen[Word(number)];
            if ((word & Bit(number)) != 0)
                return false;
            word |= Bit(number);
            return true;
        }

        public void Refuse(ulong number) => (_refused ??= new ulong[Window / 64])[Word(number)] |= Bit(number);

        public bool WasRefused(ulong number) => _refused is not null && Newest - number < Window && (_refused[Word(number)] & Bit(number)) != 0;

        public Life Clone()
        {
            var clone = (Life)MemberwiseClone();
            clone._seen = [.. _seen];
            clone._refused = _refused is null ? null : [.. _refused];
            return clone;
        }

        public void WriteState<TWriter>(in TWriter state)
            where TWriter : IStateWriter
        {
            state.Number(Newest);
            Write(state, _seen);
            Write(state, _refused ?? []);
        }

        /// <summary>The bits of the numbers that come into the window were those of numbers that leave it.</summary>
        private void MoveTo(ulong newest)
        {
            if (newest - Newest >= Window)
            {
                Array.Clear(_seen);
                _refused = null;
            }
            else
            {
                for (var number = Newest + 1; number != newest + 1; number++)
                {
                    _seen[Word(number)] &= ~Bit(number);
                    if (_refused is not null)
                        _refused[Word(number)] &= ~Bit(number);
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

            state.Number((ulong)Window / 64);
        }

        private static int Word(ulong number) => (int)(number % Window / 64);

        private static ulong Bit(ulong number) => 1UL << (int)(number % 64);
    }
}
