namespace Quorate.Raft;

/// <summary>Which of one member's proposal numbers have been dealt with, so that a message that comes twice does nothing the second time.</summary>
/// <remarks>
/// Within one life of the member numbers ascend, but not strictly in the order in which they come: its clients draw them side by side, and messages may
/// overtake each other. So the newest number is kept, and for the <see cref="Window"/> up to it a bit each; what is older still was seen, or is
/// taken for lost on the way. Another life begins at a number drawn anew, far from the last one's. That two lives begin within 2^32 of each other has a
/// chance of one in two thousand million, and may cost the later one's proposals until the next term.
/// </remarks>
internal sealed class SeenSequences
{
    /// <summary>How far behind the newest a number may come and still be told from one that came before: 2 KiB of bits a life.</summary>
    public const int Window = 16_384;

    private const ulong LifeSpan = 1UL << 32;

    private readonly List<Life> _lives = [];

    /// <summary>False when this number was noted before, or is too old to know.</summary>
    public bool TryNote(ulong sequence)
    {
        for (var i = _lives.Count - 1; i >= 0; i--)
        {
            // Differences wrap around, as the numbers may.
            var life = _lives[i];
            if (sequence - life.Newest - 1 < LifeSpan)
            {
                life.MoveTo(sequence);
                return life.TrySet(sequence);
            }

            if (life.Newest - sequence < LifeSpan)
                return life.Newest - sequence < Window && life.TrySet(sequence);
        }

        var another = new Life(sequence);
        _lives.Add(another);
        return another.TrySet(sequence);
    }

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

    private sealed class Life(ulong first)
    {
        private ulong[] _seen = new ulong[Window / 64];

        public ulong Newest { get; private set; } = first;

        /// <summary>The bits of the numbers that come into the window were those of numbers that leave it.</summary>
        public void MoveTo(ulong newest)
        {
            if (newest - Newest >= Window)
            {
                Array.Clear(_seen);
            }
            else
            {
                for (var number = Newest + 1; number != newest + 1; number++)
                    _seen[Word(number)] &= ~Bit(number);
            }

            Newest = newest;
        }

        public bool TrySet(ulong number)
        {
            ref var word = ref _seen[Word(number)];
            if ((word & Bit(number)) != 0)
                return false;
            word |= Bit(number);
            return true;
        }

        public Life Clone()
        {
            var clone = (Life)MemberwiseClone();
            clone._seen = [.. _seen];
            return clone;
        }

        public void WriteState<TWriter>(in TWriter state)
            where TWriter : IStateWriter
        {
            state.Number(Newest);
            for (var word = 0; word < _seen.Length; word++)
            {
                if (_seen[word] == 0)
                    continue;
                state.Number((ulong)word);
                state.Number(_seen[word]);
            }

            state.Number((ulong)_seen.Length);
        }

        private static int Word(ulong number) => (int)(number % Window / 64);

        private static ulong Bit(ulong number) => 1UL << (int)(number % 64);
    }
}
