namespace Quorate.Verification.ModelChecking;

/// <summary>
/// The fingerprints of all visited states, each with the state from which it was first reached: about 20 bytes per state.
/// </summary>
/// <remarks>
/// Two states with equal fingerprints count as one, and the successors of the second are missed. For n states the probability of any
/// collision is below n² / 2^65: three in a million for ten million states.
/// </remarks>
internal sealed class VisitedStates
{
    /// <summary>The parent of an initial state.</summary>
    public const int NoParent = -1;

    /// <summary>
    /// Hash table with open addressing and linear probing: the number of a state plus 1; 0 is a free slot.
    /// </summary>
    private int[] _slots = new int[1 << 12];
    private ulong[] _fingerprints = new ulong[1 << 11];
    private int[] _parents = new int[1 << 11];

    public int Count { get; private set; }

    /// <summary>Adds a state; false if it was visited before. States are numbered in the order in which they are added.</summary>
    public bool TryAdd(ulong fingerprint, int parent)
    {
        var slot = SlotOf(fingerprint);
        if (_slots[slot] != 0)
            return false;

        if (Count == _fingerprints.Length)
        {
            Grow();
            slot = SlotOf(fingerprint);
        }

        _fingerprints[Count] = fingerprint;
        _parents[Count] = parent;
        _slots[slot] = ++Count;
        return true;
    }

    /// <summary>
    /// Returns the fingerprints on the path from an initial state to a state, along the states from which each was first reached.
    /// </summary>
    public List<ulong> PathTo(int state)
    {
        var path = new List<ulong>();
        for (; state != NoParent; state = _parents[state])
            path.Add(_fingerprints[state]);
        path.Reverse();
        return path;
    }

    private int SlotOf(ulong fingerprint)
    {
        var mask = _slots.Length - 1;
        var slot = (int)fingerprint & mask;
        while (_slots[slot] != 0 && _fingerprints[_slots[slot] - 1] != fingerprint)
            slot = (slot + 1) & mask;
        return slot;
    }

    private void Grow()
    {
        Array.Resize(ref _fingerprints, _fingerprints.Length * 2);
        Array.Resize(ref _parents, _parents.Length * 2);
        _slots = new int[_slots.Length * 2];
        for (var state = 0; state < Count; state++)
            _slots[SlotOf(_fingerprints[state])] = state + 1;
    }
}
