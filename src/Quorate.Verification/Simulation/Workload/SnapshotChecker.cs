using System.Buffers.Binary;
using Quorate.Raft;
using Quorate.Verification.Simulation.Checks;

namespace Quorate.Verification.Simulation.Workload;

/// <summary>
/// Captures and restores snapshots of state machines, and checks that a member that restores one is in the state in which the snapshot was
/// captured, which is the state of every member after the same command.
/// </summary>
/// <remarks>
/// <code>
///   0   8   number of commands in the snapshot
///   8   8   index of the last entry in the snapshot
///  16   …   the bytes of the state machine
/// </code>
/// Numbers are little-endian. The number of commands is in the snapshot because the checkers count the commands of a member, and one that
/// restores a snapshot has not applied them. What the state must be is kept outside of it: the values that the checks returned for the
/// member that captured it. That member has applied every command, each of which was checked.
/// </remarks>
internal sealed class SnapshotChecker<TStateMachine, TResult>(
    SimulationChecks<TStateMachine, TResult> checks, StateChecker<TResult> stateChecker)
    where TStateMachine : IStateMachine<TResult>
{
    private const int HeaderBytes = 16;

    /// <summary>The states in which snapshots were captured, by the last entry, and the member that was the first.</summary>
    private readonly Dictionary<LogIndex, (NodeId Member, object? State)> _captured = [];

    /// <summary>Captures a snapshot of a state machine; null if it takes none.</summary>
    /// <param name="member">The member.</param>
    /// <param name="stateMachine">Its state machine.</param>
    /// <param name="count">The number of commands that it has applied.</param>
    /// <param name="last">The index of the last batch.</param>
    public IStateMachineSnapshot? Capture(NodeId member, TStateMachine stateMachine, int count, LogIndex last)
    {
        if (stateMachine.CaptureSnapshot() is not { } snapshot)
            return null;
        Check(member, last, checks.SnapshotState(stateMachine), "captures");
        return new CountedSnapshot(snapshot, count, last);
    }

    /// <summary>Restores a snapshot, and returns the number of commands in it.</summary>
    public int Restore(NodeId member, TStateMachine stateMachine, EntryId last, Stream source)
    {
        Span<byte> header = stackalloc byte[HeaderBytes];
        source.ReadExactly(header);
        var count = (int)BinaryPrimitives.ReadInt64LittleEndian(header);
        var captured = new LogIndex(BinaryPrimitives.ReadUInt64LittleEndian(header[8..]));
        if (captured != last.Index)
        {
            throw new ViolationException(
                "StateMachineSafety", $"{member} restores as {last} a snapshot that was captured at {captured}");
        }

        stateMachine.RestoreSnapshot(last, source);
        checks.Invariant?.Invoke(stateMachine);
        stateChecker.OnRestored(member, count, last, checks.State?.Invoke(stateMachine));
        Check(member, last.Index, checks.SnapshotState(stateMachine), "has restored");
        return count;
    }

    private void Check(NodeId member, LogIndex last, object? state, string action)
    {
        if (_captured.TryAdd(last, (member, state)))
            return;
        var (first, captured) = _captured[last];
        if (!StructuralEquality.AreEqual(captured, state))
        {
            throw new ViolationException(
                "EqualStates",
                $"{first} captured a snapshot at {last} in the state {StructuralEquality.Describe(captured)}; " +
                $"{member} {action} one there " +
                $"in the state {StructuralEquality.DescribeOther(captured, state)}");
        }
    }

    /// <summary>A snapshot of a state machine, behind the number of commands in it and the index of the last entry.</summary>
    private sealed class CountedSnapshot(IStateMachineSnapshot snapshot, int count, LogIndex last) : IStateMachineSnapshot
    {
        public void WriteTo(Stream destination)
        {
            Span<byte> header = stackalloc byte[HeaderBytes];
            BinaryPrimitives.WriteInt64LittleEndian(header, count);
            BinaryPrimitives.WriteUInt64LittleEndian(header[8..], last.Value);
            destination.Write(header);
            snapshot.WriteTo(destination);
        }

        public void Dispose() => snapshot.Dispose();
    }
}
