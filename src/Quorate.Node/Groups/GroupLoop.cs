using Quorate.Node.Transport;
using Quorate.Raft;

namespace Quorate.Node.Groups;

/// <summary>Told of each step right after it, before anything of its effects is carried out: a process that ends in between has stepped all the same.</summary>
internal delegate void StepObserver(RaftCore core, in Input input, Effects effects);

/// <summary>One turn after another: takes everything that has arrived, steps the core once for each, and carries out what it says.</summary>
/// <remarks>
/// <code>
///   network ─┐                                      ┌─► disk      one write, one flush for all of the turn
///   disk ────┤                                      ├─► network   at once: what is true already
///   applier ─┼─► Turn ─► RaftCore.Step ─► Effects ──┤   held:     what becomes true with the flush
///   clients ─┤                                      ├─► applier
///   clock ───┘                                      └─► clients
/// </code>
/// It is polled and never waits, so production can give it threads (<see cref="TurnTaker"/>) and the simulator its virtual time. Threading: one caller at a time.
/// </remarks>
internal sealed class GroupLoop
{
    /// <summary>The most messages of one turn: under a flood of them the clock and the clients still get their share.</summary>
    private const int MessagesPerTurnMax = 1024;

    /// <summary>Effects kept for the next messages that wait for the disk. A disk that was slow for a moment may have had any number of them, and each still shows what it sent.</summary>
    private const int SparesMax = 8;

    private readonly RaftCore _core;
    private readonly INetwork _network;
    private readonly LogWriter _disk;
    private readonly IApplier _applier;
    private readonly ReadTable _reads;
    private readonly ClientInbox _clients;
    private readonly TickClock _clock;
    private readonly StepObserver _observe;

    private readonly Queue<(ulong Token, Effects Effects)> _held = new();
    private readonly Stack<Effects> _spareEffects = new(SparesMax);
    private Effects _effects = new();
    private ProposalBatch _proposals = new();
    private List<ulong> _withdrawn = [];
    private ulong _durable;

    public GroupLoop(
        RaftCore core,
        INetwork network,
        LogWriter disk,
        IApplier applier,
        ReadTable reads,
        ClientInbox clients,
        TickClock clock,
        StepObserver observe)
    {
        _core = core;
        _network = network;
        _disk = disk;
        _applier = applier;
        _reads = reads;
        _clients = clients;
        _clock = clock;
        _observe = observe;
    }

    /// <summary>Takes a turn. True when more messages may be here than one turn takes: then another must follow at once.</summary>
    /// <exception cref="IOException">The disk failed.</exception>
    /// <exception cref="StateMachineException">The state machine threw.</exception>
    /// <exception cref="InvariantViolationException">A bug of ours.</exception>
    public bool Turn()
    {
        var more = TakeMessages();
        TakeDisk();
        TakeApplied();
        TakeClients();
        TakeTicks();
        Step(Input.EndOfIteration);
        _network.Flush();
        _disk.Submit();
        return more;
    }

    private bool TakeMessages()
    {
        for (var i = 0; i < MessagesPerTurnMax; i++)
        {
            if (!_network.TryReceive(out var received))
                return false;
            if (received.Kind == NetworkEventKind.Message)
                Step(Input.Received(received.Message!));
            else
                Step(Input.PeerLost(received.Peer));
        }

        return true;
    }

    private void TakeDisk()
    {
        if (!_disk.TryTake(out var durable, out var read, out var entries))
            return;

        if (durable == 0)
        {
            Step(Input.EntriesLoaded(read.Peer, entries));
            return;
        }

        _durable = durable;
        Step(Input.Durable(durable));
        while (_held.TryPeek(out var held) && held.Token <= durable)
        {
            _held.Dequeue();
            Send(held.Effects.SendWhenDurable.Messages);
            if (_spareEffects.Count < SparesMax)
                _spareEffects.Push(held.Effects);
        }
    }

    private void TakeApplied()
    {
        if (_applier.Fault is { } fault)
            throw fault;
        var applied = _applier.Applied;
        if (applied > _core.AppliedIndex)
            Step(Input.Applied(applied));
    }

    private void TakeClients()
    {
        _clients.Take(ref _proposals, ref _withdrawn);
        if (_proposals.Count > 0)
        {
            Step(Input.Propose(_proposals.Memory));
            _proposals.Clear();
        }

        foreach (var sequence in _withdrawn)
            Step(Input.Withdraw(sequence));
        _withdrawn.Clear();

        if (_reads.TryAsk(out var ticket))
            Step(Input.Read(ticket));
    }

    private void TakeTicks()
    {
        for (var ticks = _clock.TakeTicks(); ticks > 0; ticks--)
            Step(Input.Tick);
    }

    /// <summary>Steps the core and carries the effects out, in their order.</summary>
    private void Step(in Input input)
    {
        var effects = _effects;
        _core.Step(input, effects);
        _observe(_core, input, effects);

        if (!effects.Append.IsEmpty)
            _disk.Stage(effects.Append);
        Send(effects.SendNow.Messages);
        if (!effects.Apply.IsEmpty)
            _applier.Enqueue(effects.Apply.Span);
        foreach (var rejection in effects.Rejections)
            _applier.Reject(rejection, _core.Leader);
        foreach (var answer in effects.ReadResults)
            _reads.Answer(answer);
        foreach (var read in effects.EntriesRequests)
            _disk.Ask(read);

        // Messages that wait for the disk keep their effects, and with them the objects they are made of, until it has answered.
        if (effects.SendWhenDurable.Messages.Count > 0)
        {
            Invariant.That(effects.SendWhenDurable.Token > _durable, "what is durable already is sent at once");
            _held.Enqueue((effects.SendWhenDurable.Token, effects));
            _effects = _spareEffects.TryPop(out var spare) ? spare : new Effects();
        }
    }

    private void Send(IReadOnlyList<Message> messages)
    {
        for (var i = 0; i < messages.Count; i++)
            _network.Send(messages[i]);
    }
}
