using System.Buffers.Binary;
using Quorate.Node;
using Quorate.Node.Driver;
using Quorate.Raft;

namespace Quorate.Verification.Simulation.Workload;

/// <summary>One process's machine, and what is between it and the clients. Each command has its operation's number in front, which the machine does not see.</summary>
internal sealed class MachineHost<TMachine, TResult> : IMachineHost, IStateMachine<TResult>
    where TMachine : IStateMachine<TResult>
{
    private const int NumberBytes = 8;

    private readonly Application<TMachine, TResult> _application;
    private readonly NodeId _member;
    private readonly PendingProposals<TResult> _proposals;
    private readonly Applier<TResult> _applier;
    private int _count;
    private (int After, object? State) _final = (-1, null);

    public MachineHost(
        Application<TMachine, TResult> application, TMachine machine, NodeId member, ulong firstSequence, PendingReads reads, IWorker worker, LogIndex applied, Action wake)
    {
        (_application, Machine, _member) = (application, machine, member);
        _proposals = new PendingProposals<TResult>(member, firstSequence, new SimulatedAnswers<ProposalResult<TResult>>());
        _applier = new Applier<TResult>(this, member, _proposals, reads, worker, applied, wake);
    }

    public TMachine Machine { get; }

    public IApplier Applier => _applier;

    public LogIndex Shown { get; private set; }

    public void Replay(ReadOnlySpan<LogEntry> committed) => _applier.Replay(committed);

    /// <summary>False when the inbox is full.</summary>
    public bool TryPropose(ProposalQueue inbox, ulong operation, ReadOnlyMemory<byte> command, out ProposalId id, out Task<ProposalResult<TResult>>? outcome)
    {
        var numbered = new byte[NumberBytes + command.Length];
        BinaryPrimitives.WriteUInt64LittleEndian(numbered, operation);
        command.CopyTo(numbered.AsMemory(NumberBytes));
        return inbox.TryAdd(numbered, _proposals, out id, out outcome);
    }

    /// <summary>The caller does not wait any longer.</summary>
    public void GiveUp(ProposalQueue inbox, ProposalId id) => inbox.Withdraw(id.Sequence, _proposals);

    public TResult Apply(in CommittedCommand command)
    {
        var result = Machine.Apply(new CommittedCommand(command.Id, command.Command[NumberBytes..]));
        _application.Checks.Invariant?.Invoke(Machine);
        var operation = BinaryPrimitives.ReadUInt64LittleEndian(command.Command.Span);
        _application.Ledger.Applied(_member, ++_count, command.Id, operation, result, _application.Checks.State?.Invoke(Machine));
        return result;
    }

    public void BatchApplied(LogIndex last)
    {
        Machine.BatchApplied(last);
        Shown = last;
    }

    public bool IsLike(IMachineHost other)
    {
        var it = (MachineHost<TMachine, TResult>)other;
        return _count == it._count && Shown == it.Shown && Equality.Same(FinalState(), it.FinalState());
    }

    public string FinalStateInWords() => Equality.Words(FinalState());

    /// <summary>It is compared with that of every other member, and may be all that a machine holds: it is asked for once.</summary>
    private object? FinalState()
    {
        if (_final.After != _count)
            _final = (_count, _application.Checks.FinalState?.Invoke(Machine));
        return _final.State;
    }
}
