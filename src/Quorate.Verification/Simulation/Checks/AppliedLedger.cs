using Quorate.Raft;

namespace Quorate.Verification.Simulation.Checks;

/// <summary>Every command that any member ever applied. All members apply the same commands, in the same order, to the same effect.</summary>
internal sealed class AppliedLedger
{
    private readonly List<Line> _lines = [];
    private readonly Dictionary<ulong, int> _byOperation = [];
    private readonly Dictionary<ulong, LogIndex> _rejected = [];

    public int Count => _lines.Count;

    /// <summary>A member applied its n-th command, counted from 1.</summary>
    public void Applied(NodeId member, int count, EntryId entry, ulong operation, ulong state)
    {
        var line = new Line(entry, operation, state);
        if (count <= _lines.Count)
        {
            var first = _lines[count - 1];
            if (first.Entry != entry || first.Operation != operation)
                throw new ViolationException("StateMachineSafety", $"{member} applied operation {operation} at {entry} as its command {count}; others applied {first.Operation} at {first.Entry}");
            if (first.State != state)
                throw new ViolationException("EqualStates", $"after {entry} the state of {member} is not that of the others");
            return;
        }

        if (_rejected.ContainsKey(operation))
            throw new ViolationException("RejectedNeverHappens", $"operation {operation} was rejected, and is applied at {entry}");
        if (!_byOperation.TryAdd(operation, _lines.Count))
            throw new ViolationException("OneOutcome", $"operation {operation} was applied at {_lines[_byOperation[operation]].Entry} and again at {entry}");
        _lines.Add(line);
    }

    /// <summary>A client was told that its operation is at that index.</summary>
    /// <returns>The entry it is.</returns>
    public EntryId Acknowledged(ulong operation, LogIndex index)
    {
        if (!_byOperation.TryGetValue(operation, out var at) || _lines[at].Entry.Index != index)
            throw new ViolationException("AcknowledgedIsApplied", $"operation {operation} was acknowledged at {index}, and is not what was applied there");
        return _lines[at].Entry;
    }

    /// <summary>A client was told that its operation will never happen.</summary>
    public void Rejected(ulong operation)
    {
        if (_byOperation.TryGetValue(operation, out var at))
            throw new ViolationException("RejectedNeverHappens", $"operation {operation} was applied at {_lines[at].Entry}, and is rejected");
        _rejected.Add(operation, LogIndex.Zero);
    }

    /// <summary>What is read after n commands must be the state after n commands.</summary>
    public void Observed(NodeId member, int count, ulong state)
    {
        if (count > 0 && _lines[count - 1].State != state)
            throw new ViolationException("EqualStates", $"{member} shows readers another state after {count} commands than was there");
    }

    private readonly record struct Line(EntryId Entry, ulong Operation, ulong State);
}
