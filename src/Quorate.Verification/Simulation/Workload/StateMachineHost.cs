using System.Buffers.Binary;
using Quorate.Node;
using Quorate.Node.Driver;
using Quorate.Raft;

namespace Quorate.Verification.Simulation.Workload;

/// <summary>One process's machine, and what is between it and the clients. Each command has its operation's number in front, which the machine does not see.</summary>
internal sealed class StateMachineHost<TMachine, TResult> : IStateMachineHost, IStateMachine<TResult>
    where TMachine : IStateMachine<TResult>
{
    private const int OperationNumberBytes = 8;

    private readonly Application<TMachine, TResult> _application;
    private readonly NodeId _member;
    private readonly PendingProposals<TResult> _proposals;
    private readonly Applier<TResult> _applier;
    private int _appliedCount;
    private (int After, object? State) _finalState = (-1, null);

    public StateMachineHost(
        Application<TMachine, TResult> application, TMachine stateMachine, NodeId member, ulong firstSequence, PendingReads reads, IWorker worker, LogIndex applied, Action wake)
    {
        (_application, StateMachine, _member) = (application, stateMachine, member);
        _proposals = new PendingProposals<TResult>(member, firstSequence, new InlineCompletionDispatcher<ProposalResult<TResult>>());
        _applier = new Applier<TResult>(this, member, _proposals, reads, worker, applied, wake);
    }

    public TMachine StateMachine { get; }

    public IApplier Applier => _applier;

    public LogIndex VisibleIndex { get; private set; }

    public void Replay(ReadOnlySpan<LogEntry> committed) => _applier.Replay(committed);

    /// <summary>False when the inbox is full.</summary>
    public bool TryPropose(ProposalQueue proposals, ulong operation, ReadOnlyMemory<byte> command, out ProposalId id, out Task<ProposalResult<TResult>>? outcome)
    {
        var payload = new byte[OperationNumberBytes + command.Length];
        BinaryPrimitives.WriteUInt64LittleEndian(payload, operation);
        command.CopyTo(payload.AsMemory(OperationNumberBytes));
        return proposals.TryAdd(payload, _proposals, out id, out outcome);
    }

    /// <summary>The caller does not wait any longer.</summary>
    public void Withdraw(ProposalQueue proposals, ProposalId id) => proposals.Withdraw(id.Sequence, _proposals);

    public TResult Apply(in CommittedCommand command)
    {
        var result = StateMachine.Apply(new CommittedCommand(command.Id, command.Command[OperationNumberBytes..]));
        _application.Checks.Invariant?.Invoke(StateMachine);
        var operation = BinaryPrimitives.ReadUInt64LittleEndian(command.Command.Span);
        _application.StateChecker.OnApplied(_member, ++_appliedCount, command.Id, operation, result, _application.Checks.State?.Invoke(StateMachine));
        return result;
    }

    public void BatchApplied(LogIndex last)
    {
        StateMachine.BatchApplied(last);
        VisibleIndex = last;
    }

    public bool HasSameState(IStateMachineHost other)
    {
        var typedOther = (StateMachineHost<TMachine, TResult>)other;
        return _appliedCount == typedOther._appliedCount && VisibleIndex == typedOther.VisibleIndex && Equality.AreEqual(FinalState(), typedOther.FinalState());
    }

    public string DescribeFinalState() => Equality.Describe(FinalState());

    /// <summary>It is compared with that of every other member, and may be all that a machine holds: it is asked for once.</summary>
    private object? FinalState()
    {
        if (_finalState.After != _appliedCount)
            _finalState = (_appliedCount, _application.Checks.FinalState?.Invoke(StateMachine));
        return _finalState.State;
    }
}
