using System.Buffers.Binary;
using Quorate.Node;
using Quorate.Node.Driver;
using Quorate.Raft;

namespace Quorate.Verification.Simulation.Workload;

/// <summary>
/// The state machine of one process and its group. The host puts the operation's number in front of each command, and removes it before
/// the state machine applies the command; it puts the number of commands in front of each snapshot.
/// </summary>
internal sealed class StateMachineHost<TStateMachine, TResult> : IStateMachineHost, IStateMachine<TResult>
    where TStateMachine : IStateMachine<TResult>
{
    private const int OperationNumberBytes = 8;

    private readonly SimulatedApplication<TStateMachine, TResult> _application;
    private readonly NodeId _member;
    private readonly RaftGroup<TResult> _group;
    private int _appliedCount;
    private ulong _hashDifference;
    private (int After, object? State) _finalState = (-1, null);

    public StateMachineHost(
        SimulatedApplication<TStateMachine, TResult> application,
        TStateMachine stateMachine,
        RaftGroupOptions options)
    {
        (_application, StateMachine, _member) = (application, stateMachine, options.Raft.Self);
        application.OnOpening(stateMachine, options.TimeProvider);
        _group = RaftGroup.Open(options, this);
        application.OnOpened(stateMachine, _group.Core);
    }

    public TStateMachine StateMachine { get; }

    public RaftGroup Group => _group;

    public ulong? StateHash => StateMachine.StateHash ^ _hashDifference;

    public bool HasStateHash => StateMachine.StateHash is not null;

    public bool IsAltered => _hashDifference != 0;

    public void AlterHash(ulong difference) => _hashDifference = difference;

    public LogIndex VisibleIndex { get; private set; }

    /// <summary>
    /// Proposes a command, under the conditions of <see cref="RaftNode{TResult}"/>. Returns false if the proposal queue is full.
    /// </summary>
    public bool TryPropose(
        ulong operation, ProposalOptions options, ReadOnlyMemory<byte> command, out ProposalId id,
        out Task<ProposalResult<TResult>>? outcome)
    {
        if (!_group.HasSpaceFor(options.FreesSpace))
        {
            (id, outcome) = (ProposalId.None, Task.FromResult(ProposalResult<TResult>.Rejected(RejectReason.NoSpace, NodeId.None)));
            return true;
        }

        var payload = new byte[OperationNumberBytes + command.Length];
        BinaryPrimitives.WriteUInt64LittleEndian(payload, operation);
        command.CopyTo(payload.AsMemory(OperationNumberBytes));
        return _group.TryPropose(payload, options.ExpectedTerm ?? Term.Zero, out id, out outcome);
    }

    /// <summary>Withdraws a proposal, because its client stops waiting for it.</summary>
    public void Withdraw(ProposalId id) => _group.Withdraw(id);

    public TResult Apply(in CommittedCommand command)
    {
        var result = StateMachine.Apply(new CommittedCommand(command.Id, command.Command[OperationNumberBytes..]));
        _application.Checks.Invariant?.Invoke(StateMachine);
        var operation = BinaryPrimitives.ReadUInt64LittleEndian(command.Command.Span);
        _application.CheckExpectedTerm(operation, command.Id);
        var state = _application.Checks.State?.Invoke(StateMachine);
        if (_application.StateChecker.OnApplied(_member, ++_appliedCount, command.Id, operation, result, state))
            _application.OnFirstApplied(command.Id, result);
        return result;
    }

    public void BatchApplied(LogIndex last)
    {
        StateMachine.BatchApplied(last);
        VisibleIndex = last;
    }

    public IStateMachineSnapshot? CaptureSnapshot() =>
        _application.SnapshotChecker.Capture(_member, StateMachine, _appliedCount, VisibleIndex);

    public void RestoreSnapshot(EntryId last, Stream source)
    {
        _appliedCount = _application.SnapshotChecker.Restore(_member, StateMachine, last, source);
        _finalState = (-1, null);
    }

    public bool HasSameState(IStateMachineHost other)
    {
        var typedOther = (StateMachineHost<TStateMachine, TResult>)other;
        return _appliedCount == typedOther._appliedCount && VisibleIndex == typedOther.VisibleIndex
            && StructuralEquality.AreEqual(FinalState(), typedOther.FinalState());
    }

    public string DescribeFinalState() => StructuralEquality.Describe(FinalState());

    /// <summary>
    /// Returns the state to compare at the end. It is compared with that of every other member and may be the whole content of the state
    /// machine, so it is computed only once.
    /// </summary>
    private object? FinalState()
    {
        if (_finalState.After != _appliedCount)
            _finalState = (_appliedCount, _application.Checks.FinalState?.Invoke(StateMachine));
        return _finalState.State;
    }
}
