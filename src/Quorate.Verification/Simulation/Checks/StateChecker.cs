using Quorate.Raft;
using Quorate.Verification.Simulation.Workload;

namespace Quorate.Verification.Simulation.Checks;

/// <summary>
/// Records every command that any member applied, and checks that all members apply the same commands in the same order with the same
/// results and states.
/// </summary>
internal sealed class StateChecker<TResult>(Func<TResult, TResult, bool> resultsEqual)
{
    private readonly List<AppliedCommand> _commands = [];
    private readonly Dictionary<ulong, int> _commandByOperation = [];
    private readonly HashSet<ulong> _rejected = [];

    /// <summary>
    /// Records or checks the n-th command that a member applied, counted from 1. Returns whether it is the first member to apply it.
    /// </summary>
    public bool OnApplied(NodeId member, int count, EntryId entry, ulong operation, TResult result, object? state)
    {
        if (count <= _commands.Count)
        {
            var first = _commands[count - 1];
            if (first.Entry != entry || first.Operation != operation)
            {
                throw new ViolationException(
                    "StateMachineSafety",
                    $"{member} applied operation {operation} at {entry} as its command {count}; " +
                    $"others applied {first.Operation} at {first.Entry}");
            }

            if (!resultsEqual(first.Result, result))
            {
                throw new ViolationException(
                    "EqualResults",
                    $"operation {operation} at {entry} had the result {StructuralEquality.Describe(first.Result)} at {first.Member}, " +
                    $"and at {member} {StructuralEquality.DescribeOther(first.Result, result)}");
            }

            if (!StructuralEquality.AreEqual(first.State, state))
            {
                throw new ViolationException(
                    "EqualStates",
                    $"after {entry} the state of {first.Member} was {StructuralEquality.Describe(first.State)}, " +
                    $"and that of {member} is {StructuralEquality.DescribeOther(first.State, state)}");
            }

            return false;
        }

        if (_rejected.Contains(operation))
            throw new ViolationException("RejectedNeverHappens", $"operation {operation} was rejected, but is applied at {entry}");
        if (!_commandByOperation.TryAdd(operation, _commands.Count))
        {
            var first = _commands[_commandByOperation[operation]].Entry;
            throw new ViolationException("OneOutcome", $"operation {operation} was applied at {first} and again at {entry}");
        }

        _commands.Add(new AppliedCommand(entry, operation, member, result, state));
        return true;
    }

    /// <summary>
    /// Checks a member that has restored a snapshot of the first <paramref name="count"/> commands: it is in the state after the last of
    /// them, and the snapshot names an entry between that command and the next.
    /// </summary>
    public void OnRestored(NodeId member, int count, EntryId last, object? state)
    {
        if (count > _commands.Count)
        {
            throw new ViolationException(
                "StateMachineSafety", $"{member} restored a snapshot of {count} commands, and members have applied {_commands.Count}");
        }

        if ((count > 0 && _commands[count - 1].Entry.Index > last.Index)
            || (count < _commands.Count && _commands[count].Entry.Index <= last.Index))
        {
            throw new ViolationException(
                "StateMachineSafety", $"{member} restored a snapshot up to {last}, which does not have the {count} commands up to there");
        }

        if (count > 0 && !StructuralEquality.AreEqual(_commands[count - 1].State, state))
        {
            var first = _commands[count - 1];
            throw new ViolationException(
                "EqualStates",
                $"after {first.Entry} the state of {first.Member} was {StructuralEquality.Describe(first.State)}, " +
                $"and that of {member}, which restored a snapshot, is {StructuralEquality.DescribeOther(first.State, state)}");
        }
    }

    /// <summary>Returns the entry of an operation; null if no member has applied it.</summary>
    public EntryId? FindEntry(ulong operation) => _commandByOperation.TryGetValue(operation, out var at) ? _commands[at].Entry : null;

    /// <summary>Checks an operation that was acknowledged to its client as committed at an index.</summary>
    /// <returns>The entry of the operation.</returns>
    public EntryId OnAcknowledged(ulong operation, LogIndex index)
    {
        if (FindEntry(operation) is not { } entry || entry.Index != index)
        {
            throw new ViolationException(
                "AcknowledgedIsApplied", $"operation {operation} was acknowledged at {index}, but was not applied at that index");
        }

        return entry;
    }

    /// <summary>Records a rejected operation, and checks that no member applied it.</summary>
    public void OnRejected(ulong operation)
    {
        if (FindEntry(operation) is { } entry)
            throw new ViolationException("RejectedNeverHappens", $"operation {operation} was applied at {entry}, but is rejected");
        _rejected.Add(operation);
    }

    /// <summary>A command, the member that applied it first, and the result and state there.</summary>
    private readonly record struct AppliedCommand(EntryId Entry, ulong Operation, NodeId Member, TResult Result, object? State);
}
