using Quorate.Node.Transport;
using Quorate.Raft;

namespace Quorate.Node.Driver;

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
/// It is polled and never waits, so production can give it threads (<see cref="LoopScheduler"/>) and the simulator its virtual time. Threading: one caller at a time.
/// </remarks>
internal sealed class RaftDriver
{
    /// <summary>The most messages of one turn: under a flood of them the clock and the clients still get their share.</summary>
    private const int MessagesPerIterationMax = 1024;

    /// <summary>Effects kept for the next messages that wait for the disk. A disk that was slow for a moment may have had any number of them, and each still shows what it sent.</summary>
    private const int SpareEffectsMax = 8;

    private readonly RaftCore _core;
    private readonly INetwork _network;
    private readonly LogWriter _logWriter;
    private readonly IApplier _applier;
    private readonly PendingReads _pendingReads;
    private readonly ProposalQueue _proposalQueue;
    private readonly TickClock _clock;
    private readonly StepObserver _observe;

    private readonly Queue<(ulong Token, Effects Effects)> _awaitingDurable = new();
    private readonly Stack<Effects> _spareEffects = new(SpareEffectsMax);
    private Effects _effects = new();
    private ProposalBatch _proposalBatch = new();
    private List<ulong> _withdrawn = [];
    private ulong _durableToken;

    public RaftDriver(
        RaftCore core,
        INetwork network,
        LogWriter logWriter,
        IApplier applier,
        PendingReads pendingReads,
        ProposalQueue proposalQueue,
        TickClock clock,
        StepObserver observe)
    {
        _core = core;
        _network = network;
        _logWriter = logWriter;
        _applier = applier;
        _pendingReads = pendingReads;
        _proposalQueue = proposalQueue;
        _clock = clock;
        _observe = observe;
    }

    /// <summary>Takes a turn. True when more messages may be here than one turn takes: then another must follow at once.</summary>
    /// <exception cref="IOException">The disk failed.</exception>
    /// <exception cref="StateMachineException">The state machine threw.</exception>
    /// <exception cref="InvariantViolationException">A bug of ours.</exception>
    public bool RunOnce()
    {
        var moreMessages = DrainMessages();
        DrainLogWriter();
        DrainApplied();
        DrainClients();
        DrainTicks();
        Step(Input.EndOfIteration);
        _network.Flush();
        _logWriter.Submit();
        return moreMessages;
    }

    private bool DrainMessages()
    {
        for (var i = 0; i < MessagesPerIterationMax; i++)
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

    private void DrainLogWriter()
    {
        if (!_logWriter.TryTakeCompleted(out var durable, out var read, out var entries))
            return;

        if (durable == 0)
        {
            Step(Input.EntriesLoaded(read.Peer, entries));
            return;
        }

        _durableToken = durable;
        Step(Input.Durable(durable));
        while (_awaitingDurable.TryPeek(out var held) && held.Token <= durable)
        {
            _awaitingDurable.Dequeue();
            Send(held.Effects.SendWhenDurable.Messages);
            if (_spareEffects.Count < SpareEffectsMax)
                _spareEffects.Push(held.Effects);
        }
    }

    private void DrainApplied()
    {
        if (_applier.Fault is { } fault)
            throw fault;
        var applied = _applier.Applied;
        if (applied > _core.AppliedIndex)
            Step(Input.Applied(applied));
    }

    private void DrainClients()
    {
        _proposalQueue.Drain(ref _proposalBatch, ref _withdrawn);
        if (_proposalBatch.Count > 0)
        {
            Step(Input.Propose(_proposalBatch.Memory));
            _proposalBatch.Clear();
        }

        foreach (var sequence in _withdrawn)
            Step(Input.Withdraw(sequence));
        _withdrawn.Clear();

        if (_pendingReads.TryIssue(out var ticket))
            Step(Input.Read(ticket));
    }

    private void DrainTicks()
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
            _logWriter.Stage(effects.Append);
        Send(effects.SendNow.Messages);
        if (!effects.Apply.IsEmpty)
            _applier.Enqueue(effects.Apply.Span);
        foreach (var rejection in effects.Rejections)
            _applier.Reject(rejection, _core.Leader);
        foreach (var result in effects.ReadResults)
            _pendingReads.OnReadIndexResult(result);
        foreach (var read in effects.EntriesRequests)
            _logWriter.RequestRead(read);

        // Messages that wait for the disk keep their effects, and with them the objects they are made of, until it has answered.
        if (effects.SendWhenDurable.Messages.Count > 0)
        {
            Invariant.That(effects.SendWhenDurable.Token > _durableToken, "what is durable already is sent at once");
            _awaitingDurable.Enqueue((effects.SendWhenDurable.Token, effects));
            _effects = _spareEffects.TryPop(out var spare) ? spare : new Effects();
        }
    }

    private void Send(IReadOnlyList<Message> messages)
    {
        for (var i = 0; i < messages.Count; i++)
            _network.Send(messages[i]);
    }
}
