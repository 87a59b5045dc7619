namespace Quorate.Raft;

/// <summary>Which of one member's proposal numbers have been dealt with, so that a message that comes twice does nothing the second time.</summary>
/// <remarks>
/// Numbers ascend within one life of the member, so its newest is enough: what is not newer was seen, or was overtaken on the way and is taken
/// for lost. Another life begins at a number drawn anew, far from the last one's; so there is one newest number for each life. That two lives
/// begin within 2^32 of each other has a chance of one in two thousand million, and costs the later one's proposals until the next term.
/// </remarks>
internal sealed class SeenSequences
{
    private const ulong LifeSpan = 1UL << 32;

    private readonly List<ulong> _newestOfLife = [];

    /// <summary>False when this number, or a newer one of the same life, was noted before.</summary>
    public bool TryNote(ulong sequence)
    {
        for (var i = _newestOfLife.Count - 1; i >= 0; i--)
        {
            // Differences wrap around, as the numbers may.
            if (sequence - _newestOfLife[i] - 1 < LifeSpan)
            {
                _newestOfLife[i] = sequence;
                return true;
            }

            if (_newestOfLife[i] - sequence < LifeSpan)
                return false;
        }

        _newestOfLife.Add(sequence);
        return true;
    }
}
