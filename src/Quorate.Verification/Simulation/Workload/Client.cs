using System.Globalization;
using System.Text;
using Quorate.Kv;
using Quorate.Node;
using Quorate.Node.Groups;
using Quorate.Raft;
using Quorate.Verification.Simulation.Checks;

namespace Quorate.Verification.Simulation.Workload;

/// <summary>A client: one operation after another, each at some member, each given up after a while.</summary>
internal sealed class Client
{
    private const int Keys = 4;

    private readonly Cluster _cluster;
    private readonly int _number;
    private readonly Dice _dice;
    private readonly Member? _pinned;
    private Operation? _operation;
    private Member? _at;
    private Process? _process;
    private Task<ProposalResult<Answer>>? _proposal;
    private ProposalId _proposalId;
    private ReadWaiter? _read;

    /// <param name="cluster">Whose client it is.</param>
    /// <param name="number">Its number.</param>
    /// <param name="dice">Its choices.</param>
    /// <param name="pinned">Where it asks, always; null: anywhere.</param>
    public Client(Cluster cluster, int number, Dice dice, Member? pinned = null)
    {
        _cluster = cluster;
        _number = number;
        _dice = dice;
        _pinned = pinned;
        _cluster.Time.After(_dice.Between(0, cluster.Weather.ThinkTimeMax), Begin);
    }

    /// <summary>It asks for nothing more.</summary>
    public bool IsStopped { get; set; }

    /// <summary>It waits for nothing.</summary>
    public bool IsIdle => _operation is null;

    public int Committed { get; private set; }

    public int Granted { get; private set; }

    /// <summary>Looks whether the answer has come.</summary>
    public void Poll()
    {
        if (_proposal is { IsCompleted: true } proposal)
            Proposed(proposal.Result);
        else if (_read is { Task.IsCompleted: true } read)
            MayRead(read.Task.Result);
    }

    /// <summary>The process it waited for is gone, and the outcome with it.</summary>
    public void NodeIsGone() => End(OperationOutcome.Indeterminate);

    private void Begin()
    {
        if (IsStopped || _operation is not null)
            return;
        _at = _pinned ?? _cluster.Members[_dice.Next(0, _cluster.Members.Count)];
        var kind = _dice.Pick(OperationKind.Append, OperationKind.Put, OperationKind.Put, OperationKind.Swap, OperationKind.Delete, OperationKind.Read, OperationKind.Read);
        var payload = _dice.Next(0, _cluster.Weather.PayloadBytesMax);
        var key = Encoding.ASCII.GetBytes("k" + _dice.Next(0, Keys).ToString(CultureInfo.InvariantCulture));
        var patience = _dice.Pick(200, 1_000, 3_000) * VirtualTime.Millisecond;
        _process = _at.Process;
        if (_process is null)
        {
            Rest();
            return;
        }

        var operation = new Operation(_cluster.NextOperation(), _number, _at.Id, kind, _cluster.Time.Now, _cluster.Witness.Seen);
        _cluster.History.Add(operation);
        _operation = operation;
        _at.Wait(this);
        var taken = kind == OperationKind.Read ? _process.Clients.TryAdd(_read = new ReadWaiter()) : Propose(Command(operation, key, payload));
        if (!taken)
        {
            _cluster.Tally.Add("inbox full");
            Refused();
            return;
        }

        _process.Wake();
        _cluster.Time.After(patience, () => GiveUp(operation));
    }

    private bool Propose(byte[] command) => _process!.Clients.TryAdd(command, _process.Proposals, out _proposalId, out _proposal);

    private byte[] Command(Operation operation, byte[] key, int payload)
    {
        if (operation.Kind == OperationKind.Append)
            return SimulatedMachine.Append(operation.Number, payload);

        var put = new PutRequest(key, new byte[payload / 2]) { PrevKv = _dice.Chance(200) };
        KvRequest request = operation.Kind switch
        {
            OperationKind.Put => put,
            OperationKind.Delete => new DeleteRangeRequest(KeyInterval.Single(key)),
            _ => new TxnRequest(
                [new KeyCompare(KeyInterval.Single(key), CompareTarget.Mod, CompareResult.Equal) { Number = _process!.Machine.Store.Get(key)?.ModRevision ?? 0 }],
                [put],
                [new RangeRequest(KeyInterval.Single(key))]),
        };
        return SimulatedMachine.Kv(operation.Number, request);
    }

    /// <summary>Patience ends as a caller's cancellation does: whoever takes the proposal out of the table owes it its outcome.</summary>
    private void GiveUp(Operation operation)
    {
        if (!ReferenceEquals(operation, _operation))
            return;
        if (_read is { } read)
            read.TrySetResult(ReadResult.TimedOut);
        else
            _process!.Proposals.Settle(_proposalId.Sequence, ProposalResult<Answer>.Indeterminate);
        Poll();
    }

    private void Proposed(in ProposalResult<Answer> result)
    {
        var operation = _operation!;
        switch (result.Outcome)
        {
            case ProposalOutcome.Committed:
                var entry = _cluster.Ledger.Acknowledged(operation.Number, result.Index);
                ReadWitness.MustShow(operation.ToString(), operation.Seen with { Index = operation.Seen.Index + 1 }, Shown(result));
                _cluster.Acknowledge(entry, operation);
                _cluster.Witness.Saw(Shown(result));
                Committed++;
                End(OperationOutcome.Committed, result.Index);
                break;
            case ProposalOutcome.Rejected:
                _cluster.Tally.Add("rejected " + result.Reason);
                Refused();
                break;
            default:
                End(OperationOutcome.Indeterminate);
                break;
        }
    }

    /// <summary>An append says nothing of the store, and what is said of the store may be that nothing changed.</summary>
    private Sight Shown(in ProposalResult<Answer> result)
    {
        var answer = result.Result;
        return new Sight(result.Index, _operation!.Kind == OperationKind.Append ? _operation.Seen.Revision : answer.Kv.Revision, answer.Appended);
    }

    private void MayRead(ReadResult result)
    {
        var operation = _operation!;
        if (!result.IsGranted)
        {
            End(result.Reason is null ? OperationOutcome.Indeterminate : OperationOutcome.Rejected);
            return;
        }

        var view = _process!.Machine.Current;
        var sight = new Sight(view.Index, _process.Machine.Store.Revision, view.Appended);
        if (view.Index < result.Index)
            throw new ViolationException("GrantedIsApplied", $"{operation} was granted at {result.Index} when {view.Index} was applied");
        ReadWitness.MustShow(operation.ToString(), operation.Seen, sight);
        _cluster.Ledger.Observed(_at!.Id, view.Count, view.Hash);
        _cluster.Witness.Saw(sight);
        Granted++;
        End(OperationOutcome.Granted, view.Index);
    }

    private void Refused()
    {
        if (_operation!.Kind != OperationKind.Read)
            _cluster.Ledger.Rejected(_operation.Number);
        End(OperationOutcome.Rejected);
    }

    private void End(OperationOutcome outcome, LogIndex index = default)
    {
        _operation!.End(_cluster.Time.Now, outcome, index);
        _cluster.Chronicle.Mix(((ulong)outcome << 56) ^ (_operation.Number << 20) ^ index.Value);
        _cluster.Tally.Add(outcome.ToString());
        _at!.NoLongerWaits(this);
        _operation = null;
        _proposal = null;
        _read = null;
        _process = null;
        Rest();
    }

    private void Rest() => _cluster.Time.After(_dice.Between(1, _cluster.Weather.ThinkTimeMax), Begin);
}
