using System.Globalization;
using Quorate.Node.Driver;
using Quorate.Node.Storage;
using Quorate.Node.Versions;
using Quorate.Raft;

namespace Quorate.Node.Divergence;

/// <summary>
/// Exchanges the state hashes of one group with the other members, and quarantines this member when its state is not that of a majority.
/// </summary>
/// <remarks>
/// <code>
///   applier ── hash after entry k·N ──►┐                     ┌──► the other members
///                                      ├── OnStep of driver ─┤
///   the other members' hashes ────────►┘                     └──► comparison ──► alarm, or quarantine: marker, core, applier, readers
///   snapshot worker ── the memory is not what was written ──────────────────────► quarantine
/// </code>
/// Nothing here passes through the core but the fact that this member must not lead. Memory: a bounded number of hashes for each member.
/// A hash is sent when it is taken, and the newest one again from time to time: a message may be lost, and a cluster may become idle while
/// a member is away. Threading: the driver calls; <see cref="IsDue"/> and <see cref="OnHash"/> are the applier's, any thread reads
/// <see cref="Quarantine"/> and <see cref="Diverging"/>.
/// </remarks>
internal sealed class GroupDivergence
{
    /// <summary>The election timeouts between two messages with the same hash.</summary>
    private const int ResendElectionTimeouts = 5;

    /// <summary>The election timeouts to wait for the hashes of members that are slower, or away, before an alarm.</summary>
    private const int GraceElectionTimeouts = 15;

    /// <summary>The most hashes that are sent at once: a start takes many, which the others have had long ago.</summary>
    private const int SentAtOnceMax = 2;

    private readonly Lock _lock = new();
    private readonly NodeId _self;
    private NodeId[] _peers;
    private readonly ulong _interval;
    private readonly int _electionTicks;
    private readonly int _resendTicks;
    private readonly ClusterFeatures _features;
    private readonly IStorage _storage;
    private readonly IGroupObserver? _observer;
    private readonly WorkerTask _writing;
    private readonly StateHashComparison _comparison;
    private readonly StateHashReport _message = new();
    private Queue<(LogIndex Index, ulong Hash)> _taken = new();
    private Queue<(LogIndex Index, ulong Hash)> _sending = new();
    private (LogIndex Index, ulong Hash) _newest;
    private int _ticksToResend;
    private bool _isMarkerDue;
    private int _ticksToMarker;
    private volatile Quarantine? _quarantine;
    private volatile NodeId[] _diverging = [];
    private volatile bool _hasNoMajority;

    /// <exception cref="IOException">The marker of a quarantine cannot be read.</exception>
    public GroupDivergence(RaftGroupOptions options)
    {
        (_self, _features, _storage, _observer) = (options.Raft.Self, options.Features, options.Storage, options.Observer);
        _interval = (ulong)options.StateHashInterval;
        _peers = [.. options.Configuration.Members.Where(member => member != _self)];
        _electionTicks = options.Raft.ElectionTicks;
        _resendTicks = ResendElectionTimeouts * options.Raft.ElectionTicks;
        _writing = new WorkerTask(options.TransferWorker, options.Loop);
        _comparison = new StateHashComparison(
            _self, options.Configuration, GraceElectionTimeouts * options.Raft.ElectionTicks, OnFound);
        _quarantine = QuarantineFile.Read(options.Storage);
        IsMarkerDurable = _quarantine is not null;
        if (_quarantine is { } quarantine)
            _observer?.OnQuarantined(quarantine);
    }

    /// <summary>Why this member is quarantined; null: it is not.</summary>
    public Quarantine? Quarantine => _quarantine;

    /// <summary>The other members whose state differs from that of a majority, in id order.</summary>
    public IReadOnlyList<NodeId> Diverging => _diverging;

    /// <summary>Whether the marker of the quarantine is on the disk.</summary>
    public bool IsMarkerDurable { get; private set; }

    /// <summary>Whether states differ and no majority agrees.</summary>
    public bool HasNoMajority => _hasNoMajority;

    /// <summary>What has been found. Any thread may read it.</summary>
    public DivergenceStatus Status => new(_quarantine is not null, _diverging, _hasNoMajority);

    /// <summary>
    /// The worst that is known: 0 nothing, 1 another member diverges, 2 there is no majority, 3 this member is quarantined.
    /// </summary>
    public int Level => _quarantine is not null ? 3 : _hasNoMajority ? 2 : _diverging.Length > 0 ? 1 : 0;

    /// <summary>Replaces the members whose hashes are compared.</summary>
    public void SetConfiguration(Configuration configuration)
    {
        _peers = [.. configuration.Members.Where(member => member != _self)];
        _comparison.SetConfiguration(configuration);
        _diverging = _comparison.Diverging;
    }

    /// <summary>Whether the hash after an entry is compared.</summary>
    public bool IsDue(LogIndex index) => _interval > 0 && index.Value % _interval == 0;

    /// <summary>Receives the hash after an entry; null: the state machine has none. Called by the applier.</summary>
    public void OnHash(LogIndex index, ulong? hash)
    {
        if (hash is not { } value)
            return;
        lock (_lock)
        {
            _taken.Enqueue((index, value));
            if (_taken.Count > RecentHashes.Max)
                _taken.Dequeue();
        }
    }

    /// <summary>Handles a message with a hash. Returns false for every other message.</summary>
    public bool TryHandle(Message message)
    {
        if (message is not StateHashReport report)
            return false;
        _comparison.OnReceived(report.From, report.Index, report.Hash);
        return true;
    }

    public void OnTick(Action<Message> send)
    {
        _comparison.OnTick();
        _ticksToMarker--;
        if (_newest.Index > LogIndex.Zero && --_ticksToResend <= 0)
            Send(_newest, send);
    }

    /// <summary>Compares and sends the hashes that were taken, and writes the marker of a quarantine.</summary>
    /// <exception cref="DiskFlushException">The flush of the marker failed.</exception>
    public void Run(Action<Message> send)
    {
        lock (_lock)
            (_sending, _taken) = (_taken, _sending);
        while (_sending.TryDequeue(out var taken))
        {
            _newest = taken;
            _comparison.OnOwn(taken.Index, taken.Hash);
            if (_sending.Count < SentAtOnceMax)
                Send(taken, send);
        }

        _writing.TryComplete();
        if (_isMarkerDue && _ticksToMarker <= 0 && !_writing.IsBusy)
            WriteMarker();
    }

    /// <summary>The state in memory is not what the commands have made of it. Called by the driver.</summary>
    public void OnStateCorruption(EntryId last, StateCorruptionException corruption) =>
        Enter(new Quarantine { Entry = last.Index, Reason = corruption.Message });

    private void Send((LogIndex Index, ulong Hash) taken, Action<Message> send)
    {
        _ticksToResend = _resendTicks;
        if (!_features.IsEnabled(Feature.StateHashes))
            return;
        foreach (var peer in _peers)
        {
            (_message.From, _message.To, _message.Index, _message.Hash) = (_self, peer, taken.Index, taken.Hash);
            send(_message);
        }
    }

    private void OnFound(DivergenceEvent found)
    {
        _diverging = _comparison.Diverging;
        _hasNoMajority = _comparison.HasNoMajority;
        if (found.Kind == DivergenceKind.SelfDiverges)
        {
            Enter(new Quarantine
            {
                Entry = found.Index,
                Reason = string.Create(
                    CultureInfo.InvariantCulture,
                    $"After entry {found.Index} its state has hash {found.Own:x16}, that of a majority of the members {found.Other:x16}."),
            });
        }

        _observer?.OnDivergence(found);
    }

    private void Enter(Quarantine quarantine)
    {
        if (_quarantine is not null)
            return;
        _quarantine = quarantine;
        _isMarkerDue = true;
        _observer?.OnQuarantined(quarantine);
    }

    private void WriteMarker()
    {
        var quarantine = _quarantine!;
        (_isMarkerDue, _ticksToMarker) = (false, _electionTicks);
        _writing.Start(
            () =>
            {
                QuarantineFile.Write(_storage, quarantine);
                return null;
            },

            // The disk may be full. The member is quarantined all the same, and the marker is written when there is space.
            (_, failure) => IsMarkerDurable = !(_isMarkerDue = failure is not null));
    }
}
