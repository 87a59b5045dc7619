namespace Quorate.Raft.Tests;

/// <summary>One node: a core, a modelled disk, and a driver that keeps the contract of <see cref="Effects"/> to the letter.</summary>
internal sealed class TestNode
{
    private readonly Configuration _configuration;
    private readonly RaftOptions _options;
    private readonly HistoryChecker _history;
    private readonly Effects _effects = new();
    private readonly Queue<(ulong Token, Message Message)> _deferred = new();
    private readonly Queue<LogEntry> _toApply = new();
    private readonly Queue<EntriesRequest> _entriesRequests = new();
    private LogIndex _applyingIndex;
    private ulong _starts;

    public TestNode(RaftOptions options, Configuration configuration, HistoryChecker history)
    {
        _options = options;
        _configuration = configuration;
        _history = history;
    }

    public NodeId Id => _options.Self;

    /// <summary>Null while the node is down.</summary>
    public RaftCore? Core { get; private set; }

    public ModelDisk Disk { get; } = new();

    /// <summary>Messages that have left the node and wait for a network to take them.</summary>
    public List<Message> Outbox { get; } = [];

    /// <summary>Hears of every step: the state before and after, and the effects.</summary>
    public Action<TestNode, CoreState, Effects>? Stepped { get; set; }

    public int ToApply => _toApply.Count;

    public int PendingEntriesRequests => _entriesRequests.Count;

    public int Deferred => _deferred.Count;

    public void Start(int cached = 0)
    {
        _starts++;
        var state = Disk.Restore(_configuration, cached);
        _applyingIndex = state.Commit;

        // A driver that starts feeds its machine first with what its disk knows to be committed; in its last life it may not have come so far.
        foreach (var entry in Disk.Entries.Take((int)state.Commit.Value))
            _history.OnEmitted(entry);

        // A seed a boot, as a driver draws them: what must differ between two lives of a node comes from it.
        Core = new RaftCore(_options with { Seed = new SplitMix64(_options.Seed + _starts * 7919).Next() }, state);
    }

    /// <summary>The process ends; <paramref name="written"/> appends had reached the disk unanswered.</summary>
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

    /// <summary>The messages of this kind that have left, in order; they are taken out of <see cref="Outbox"/>.</summary>
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

    public Effects Propose(params ReadOnlySpan<ulong> sequences)
    {
        var proposals = new Proposal[sequences.Length];
        for (var i = 0; i < sequences.Length; i++)
            proposals[i] = Given.Proposal(Id.Value, sequences[i]);
        return Step(Input.Propose(proposals));
    }

    public Effects Read(ulong ticket)
    {
        _history.OnReadRequested(Id, ticket);
        return Step(Input.Read(ticket));
    }

    /// <summary>The disk answers for its next appends; what waited for them leaves.</summary>
    public void Flush(int count = int.MaxValue)
    {
        var token = Disk.Flush(count);
        if (token == 0)
            return;

        while (_deferred.TryPeek(out var next) && next.Token <= token)
            Outbox.Add(_deferred.Dequeue().Message);
        Step(Input.Durable(token));
    }

    /// <summary>The state machine applies some of what it was handed.</summary>
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

    /// <summary>The disk answers a request for old entries.</summary>
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
            Outbox.Add(MessageCopy.Of(message));
        foreach (var message in effects.SendWhenDurable.Messages)
            _deferred.Enqueue((effects.SendWhenDurable.Token, MessageCopy.Of(message)));

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
    }
}
