namespace Quorate.Verification.ModelChecking;

/// <summary>The states met so far, as fingerprints, each with the one it was first met from: some 20 bytes a state.</summary>
/// <remarks>
/// Two states with one fingerprint are taken for one, and what lies behind the second is missed. For n states the chance that this happened at all is below n² / 2^65:
/// three in a million for ten million states.
/// </remarks>
internal sealed class VisitedStates
{
    /// <summary>The parent of a state that the model begins in.</summary>
    public const int NoParent = -1;

    /// <summary>One more than the number of the state; 0 is free. Open addressing: the next free slot after the one its fingerprint names.</summary>
    private int[] _slots = new int[1 << 12];
    private ulong[] _fingerprints = new ulong[1 << 11];
    private int[] _parents = new int[1 << 11];

    public int Count { get; private set; }

    /// <summary>True for a state that is new. It is numbered in the order of coming.</summary>
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

    /// <summary>The fingerprints from where the model begins to a state, along the way on which each was first met.</summary>
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
