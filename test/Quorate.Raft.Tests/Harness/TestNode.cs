namespace Quorate.Raft.Tests;

/// <summary>One node: a core, a modelled disk, and a driver that follows the contract of <see cref="Effects"/> exactly.</summary>
internal sealed class TestNode
{
    private readonly Configuration _configuration;
    private readonly RaftOptions _options;
    private readonly RaftSafetyChecker _history;
    private readonly Effects _effects = new();
    private readonly Queue<(ulong Token, Message Message)> _deferred = new();
    private readonly Queue<LogEntry> _toApply = new();
    private readonly Queue<LoadEntriesRequest> _entriesRequests = new();
    private LogIndex _applyingIndex;
    private ulong _starts;

    public TestNode(RaftOptions options, Configuration configuration, RaftSafetyChecker history)
    {
        _options = options;
        _configuration = configuration;
        _history = history;
    }

    public NodeId Id => _options.Self;

    /// <summary>Null while the node is down.</summary>
    public RaftCore? Core { get; private set; }

    public ModelDisk Disk { get; } = new();

    /// <summary>Messages that the node has sent and that no network has taken yet.</summary>
    public List<Message> Outbox { get; } = [];

    /// <summary>The results of requested transfers, oldest first.</summary>
    public List<TransferResult> TransferResults { get; } = [];

    /// <summary>Called after every step with the node, the state before the step, and the effects.</summary>
    public Action<TestNode, CoreState, Effects>? Stepped { get; set; }

    public int ToApply => _toApply.Count;

    public int PendingEntriesRequests => _entriesRequests.Count;

    public int Deferred => _deferred.Count;

    public void Start(int cached = 0)
    {
        _starts++;
        var state = Disk.Restore(_configuration, cached);
        _applyingIndex = state.Commit;

        // A driver first applies the entries that its disk knows to be committed; the previous process may not have applied all of them.
        foreach (var entry in Disk.Entries.Take((int)state.Commit.Value))
            _history.OnEmitted(entry);

        // A new seed at each start, as a driver draws it: values that must differ between two processes of one node come from it.
        Core = new RaftCore(_options with { Seed = new SplitMix64(_options.Seed + _starts * 7919).Next() }, state);
    }

    /// <summary>Ends the process; <paramref name="written"/> appends are durable although their completion was not reported.</summary>
    public void Crash(int written = 0)
    {
        Disk.Crash(written);
        Core = null;
        _deferred.Clear();
        _toApply.Clear();
        _entriesRequests.Clear();
        _history.OnCrash(Id);
    }

    public Effects Step(in Input input)
    {
        var core = Core!;
        var before = CoreState.Of(core);
        core.Step(input, _effects);
        ExecuteEffects(_effects);
        Stepped?.Invoke(this, before, _effects);
        return _effects;
    }

    /// <summary>
    /// Removes the messages of this type from <see cref="Outbox"/> and returns them in the order in which they were sent.
    /// </summary>
    public List<T> Take<T>()
        where T : Message
    {
        var taken = Outbox.OfType<T>().ToList();
        Outbox.RemoveAll(m => m is T);
        return taken;
    }

    public Effects Receive(Message message) => Step(Input.Received(message));

    public void Tick(int ticks = 1)
    {
        for (; ticks > 0; ticks--)
            Step(Input.Tick);
    }

    public Effects EndIteration() => Step(Input.EndOfIteration);

    /// <summary>Ends an iteration of a node that has a clock.</summary>
    public Effects EndIteration(ulong clock) => Step(Input.EndOfIterationAt(clock));

    public Effects Propose(params ReadOnlySpan<ulong> sequences)
    {
        var proposals = new Proposal[sequences.Length];
        for (var i = 0; i < sequences.Length; i++)
            proposals[i] = Given.Proposal(Id.Value, sequences[i]);
        return Step(Input.Propose(proposals));
    }

    /// <summary>Proposes a change of the configuration.</summary>
    public Effects ProposeChange(ulong sequence, LogIndex? expected, params ReadOnlySpan<MemberChange> changes)
    {
        var change = new ConfigurationChange { Changes = [.. changes], ExpectedIndex = expected };
        var proposal = new Proposal(new ProposalId(Id, sequence), change.Encode()) { Kind = EntryKind.Configuration };
        return Step(Input.Propose(new[] { proposal }));
    }

    public Effects Read(ulong ticket)
    {
        _history.OnReadRequested(Id, ticket);
        return Step(Input.Read(ticket));
    }

    /// <summary>Completes the next appends of the disk and sends the messages that waited for them.</summary>
    public void Flush(int count = int.MaxValue)
    {
        var token = Disk.Flush(count);
        if (token == 0)
            return;

        while (_deferred.TryPeek(out var next) && next.Token <= token)
            Outbox.Add(_deferred.Dequeue().Message);
        Step(Input.Durable(token));
    }

    /// <summary>Applies up to <paramref name="count"/> emitted entries to the state machine.</summary>
    public void Apply(int count = int.MaxValue)
    {
        var last = LogIndex.Zero;
        for (; count > 0 && _toApply.TryDequeue(out var entry); count--)
            last = entry.Index;
        if (last == LogIndex.Zero)
            return;

        _history.OnApplied(last);
        Step(Input.Applied(last));
    }

    /// <summary>Completes the oldest request for entries from the disk.</summary>
    public void CompleteEntriesRequest(bool fails = false)
    {
        if (_entriesRequests.TryDequeue(out var request))
            Step(Input.EntriesLoaded(request.Peer, fails ? default : Disk.Read(request)));
    }

    private void ExecuteEffects(Effects effects)
    {
        if (!effects.Append.IsEmpty)
            Disk.Submit(effects.Append);
        foreach (var message in effects.SendNow.Messages)
            Outbox.Add(MessageCopier.Of(message));
        foreach (var message in effects.SendWhenDurable.Messages)
            _deferred.Enqueue((effects.SendWhenDurable.Token, MessageCopier.Of(message)));

        foreach (ref readonly var entry in effects.Apply.Span)
        {
            Assert.Equal(_applyingIndex + 1, entry.Index);
            _applyingIndex = entry.Index;
            _history.OnEmitted(entry);
            _toApply.Enqueue(entry);
        }

        foreach (var rejection in effects.Rejections)
            _history.OnRejected(rejection);
        foreach (var result in effects.ReadResults)
            _history.OnReadCompleted(Id, result);
        foreach (var request in effects.EntriesRequests)
            _entriesRequests.Enqueue(request);
        TransferResults.AddRange(effects.TransferResults);
    }
}
