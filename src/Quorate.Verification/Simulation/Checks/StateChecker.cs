using Quorate.Raft;
using Quorate.Verification.Simulation.Workload;

namespace Quorate.Verification.Simulation.Checks;

/// <summary>Every command that any member ever applied. All members apply the same commands, in the same order, to the same effect.</summary>
internal sealed class StateChecker<TResult>(Func<TResult, TResult, bool> resultsEqual)
{
    private readonly List<AppliedCommand> _commands = [];
    private readonly Dictionary<ulong, int> _commandByOperation = [];
    private readonly HashSet<ulong> _rejected = [];

    /// <summary>A member applied its n-th command, counted from 1.</summary>
    public void OnApplied(NodeId member, int count, EntryId entry, ulong operation, TResult result, object? state)
    {
        if (count <= _commands.Count)
        {
            var first = _commands[count - 1];
            if (first.Entry != entry || first.Operation != operation)
                throw new ViolationException("StateMachineSafety", $"{member} applied operation {operation} at {entry} as its command {count}; others applied {first.Operation} at {first.Entry}");
            if (!resultsEqual(first.Result, result))
                throw new ViolationException("EqualResults", $"operation {operation} at {entry} was answered {Equality.Describe(first.Result)} by {first.Member}, and by {member} {Equality.DescribeOther(first.Result, result)}");
            if (!Equality.AreEqual(first.State, state))
                throw new ViolationException("EqualStates", $"after {entry} the state of {first.Member} was {Equality.Describe(first.State)}, and that of {member} is {Equality.DescribeOther(first.State, state)}");
            return;
        }

        if (_rejected.Contains(operation))
            throw new ViolationException("RejectedNeverHappens", $"operation {operation} was rejected, and is applied at {entry}");
        if (!_commandByOperation.TryAdd(operation, _commands.Count))
            throw new ViolationException("OneOutcome", $"operation {operation} was applied at {_commands[_commandByOperation[operation]].Entry} and again at {entry}");
        _commands.Add(new AppliedCommand(entry, operation, member, result, state));
    }

    /// <summary>Where an operation was applied, if anybody applied it.</summary>
    public EntryId? FindEntry(ulong operation) => _commandByOperation.TryGetValue(operation, out var at) ? _commands[at].Entry : null;

    /// <summary>A client was told that its operation is at that index.</summary>
    /// <returns>The entry it is.</returns>
    public EntryId OnAcknowledged(ulong operation, LogIndex index)
    {
        if (FindEntry(operation) is not { } entry || entry.Index != index)
            throw new ViolationException("AcknowledgedIsApplied", $"operation {operation} was acknowledged at {index}, and is not what was applied there");
        return entry;
    }

    /// <summary>A client was told that its operation will never happen.</summary>
    public void OnRejected(ulong operation)
    {
        if (FindEntry(operation) is { } entry)
            throw new ViolationException("RejectedNeverHappens", $"operation {operation} was applied at {entry}, and is rejected");
        _rejected.Add(operation);
    }

    /// <summary>The first to apply a command, and what came of it.</summary>
    private readonly record struct AppliedCommand(EntryId Entry, ulong Operation, NodeId Member, TResult Result, object? State);
}
