using System.Diagnostics;
using Quorate.Node.Divergence;
using Quorate.Node.Repair;
using Quorate.Node.Snapshots;
using Quorate.Node.Storage;
using Quorate.Node.Versions;
using Quorate.Raft;

namespace Quorate.Node.Driver;

/// <summary>The snapshots of one group: takes them, sends them to members that need one, and fetches one when this member does.</summary>
/// <remarks>
/// <code>
///   applier ── view ──► snapshot worker: write, flush, rename ──► SnapshotSaved ──► core ──► the log drops entries
///   core ── NeededSnapshot ──► receiver: fetch, verify, flush, rename ──► SnapshotReceived ──► core ──► applier restores it
/// </code>
/// A snapshot is durable before the core is notified of it, so each of its consequences survives a crash.
/// Threading: the driver calls; files are written by two workers, so that sending does not wait for writing.
/// </remarks>
internal sealed class GroupSnapshots : IDisposable
{
    /// <summary>The election timeouts between two snapshots that are taken because space is short.</summary>
    private const int ShortageElectionTimeouts = 10;

    private readonly RaftGroupOptions _options;
    private readonly SnapshotStore _store;
    private readonly IApplier _applier;
    private readonly LogGrowth _growth;
    private readonly GroupDivergence _divergence;
    private readonly SnapshotSender _sender;
    private readonly SnapshotReceiver _receiver;
    private readonly WorkerTask _writing;
    private readonly WorkerTask _deleting;
    private readonly CancellationTokenSource _stopping = new();
    private readonly Queue<Input> _inputs = new();
    private readonly Action<EntryId, IStateMachineSnapshot?> _onCaptured;
    private volatile Capture? _captured;
    private bool _isTaking;
    private bool _wasDiscarded;
    private bool _mustDeleteOlder;
    private bool _mustDeleteSetAside;
    private LogIndex _lastTaken;
    private int _ticksToShortageSnapshot;

    public GroupSnapshots(
        RaftGroupOptions options, SnapshotStore store, IApplier applier, LogGrowth growth, GroupDivergence divergence)
    {
        (_options, _store, _applier, _growth, _divergence) = (options, store, applier, growth, divergence);
        _lastTaken = store.Newest?.Last.Index ?? LogIndex.Zero;
        _mustDeleteSetAside = SetAsideFiles.In(options.Storage).Any();
        _onCaptured = OnCaptured;
        _writing = new WorkerTask(options.SnapshotWorker, options.Loop);
        _deleting = new WorkerTask(options.SnapshotWorker, options.Loop);
        _sender = new SnapshotSender(
            options.Raft.Self, store, options.TransferWorker, options.Loop, idleTicksMax: 30 * options.Raft.ElectionTicks,
            maySend: () => divergence.Quarantine is null);
        _receiver = new SnapshotReceiver(
            options.Raft.Self, store, options.Snapshots, options.Features, options.TransferWorker,
            options.Loop, options.Raft.ElectionTicks, options.TickInterval);
    }

    /// <summary>The newest snapshot on the disk. Any thread may read it.</summary>
    public SnapshotInfo? Newest => _store.Newest;

    /// <summary>Carries out the effects of a step that concern snapshots, but for the log on the disk.</summary>
    public void OnStep(Effects effects)
    {
        if (effects.Append.ResetTo is not null)
            _growth.OnReset();
        _growth.OnAppended(effects.Append.Entries.Span);
        if (effects.RestoreSnapshot is { } last)
        {
            var snapshot = _store.Newest!;
            Invariant.That(snapshot.Last == last, "the snapshot to restore is the newest one");
            _lastTaken = last.Index;
            _applier.EnqueueRestore(last, () => _store.OpenContent(snapshot, _stopping.Token));
            _mustDeleteOlder = true;
        }

        if (effects.NeededSnapshot is { } needed)
            _receiver.OnNeeded(needed);
    }

    /// <summary>Handles a message that concerns snapshots. Returns false for every other message, which is the core's.</summary>
    public bool TryHandle(Message message)
    {
        switch (message)
        {
            case FetchSnapshot request:
                _sender.OnRequest(request);
                return true;
            case FetchSnapshotReply reply:
                _receiver.OnReply(reply);
                return true;
            default:
                return false;
        }
    }

    /// <summary>Replaces the members from which a snapshot may be received.</summary>
    public void SetMembers(NodeId[] peers) => _receiver.SetPeers(peers);

    public void OnTick()
    {
        _sender.OnTick();
        _receiver.OnTick();
        _ticksToShortageSnapshot--;
    }

    /// <summary>Advances everything that is in progress, and starts a snapshot when one is due.</summary>
    /// <param name="core">The core of this member.</param>
    /// <param name="applied">The last entry that the state machine has applied.</param>
    /// <param name="isSpaceShort">
    /// Whether space is short. Then a snapshot is due before the policy says so: what clients have deleted frees space only when a smaller
    /// snapshot replaces the last one, and the log before it is dropped.
    /// </param>
    /// <param name="send">Sends a message.</param>
    public void Run(RaftCore core, LogIndex applied, bool isSpaceShort, Action<Message> send)
    {
        _sender.Run(send);
        if (_receiver.Run(send, out var received))
        {
            // This member may have received the entries as well, from another leader, and have taken a snapshot that covers more.
            var snapshot = _store.Newest!;
            Invariant.That(snapshot.Last.Index >= received.Index, "no snapshot is older than the one that was received");
            if (snapshot.Last.Index == received.Index)
                _inputs.Enqueue(Input.SnapshotReceived(received, new ConfigurationAt(snapshot.ConfigurationIndex, snapshot.Configuration)));
            else
                _mustDeleteOlder = true;
        }

        _writing.TryComplete();
        _deleting.TryComplete();

        // The snapshot before the newest one may still have to be restored, until the newest one is.
        if (_mustDeleteOlder && !_deleting.IsBusy && applied >= _store.Newest!.Last.Index)
            DeleteOlder();
        if (_mustDeleteSetAside && !core.IsRepairing && !_deleting.IsBusy)
            DeleteSetAside();
        if (!_writing.IsBusy && _captured is { } capture)
            OnCaptured(capture, core);
        else if (!_isTaking && _divergence.Quarantine is null && _options.Features.IsEnabled(Feature.Snapshots)
            && core.TermAt(applied) == core.Term && (IsDue(applied) || (isSpaceShort && IsDueInShortage(applied))))
            Take();
    }

    /// <summary>Takes the next input for the core.</summary>
    public bool TryTakeInput(out Input input) => _inputs.TryDequeue(out input);

    /// <summary>Abandons what is being written; the workers end soon afterwards.</summary>
    public void Stop() => _stopping.Cancel();

    public void Dispose() => _stopping.Dispose();

    private bool IsDue(LogIndex applied) =>
        _wasDiscarded || _options.Snapshots.IsDue(_growth.SinceSnapshot, applied - _lastTaken, _store.Newest?.Id.FileBytes ?? 0);

    private bool IsDueInShortage(LogIndex applied)
    {
        if (applied <= _lastTaken || _ticksToShortageSnapshot > 0)
            return false;
        _ticksToShortageSnapshot = ShortageElectionTimeouts * _options.Raft.ElectionTicks;
        return true;
    }

    private void Take()
    {
        _isTaking = true;
        _wasDiscarded = false;
        _growth.OnSnapshot();
        _applier.RequestCapture(_onCaptured);
    }

    /// <summary>Receives the view. Called by the applier's thread.</summary>
    private void OnCaptured(EntryId last, IStateMachineSnapshot? view)
    {
        // On the applier's thread, so this is the version as of the entry.
        _captured = new Capture(last, view, _options.Features.Current);
        _options.Loop.Signal();
    }

    private void OnCaptured(Capture capture, RaftCore core)
    {
        _captured = null;
        var configuration = core.ConfigurationAsOf(capture.Last.Index);

        // An entry of the current term was committed by the leader of that term, so every leader of that term or a later one has it. Of an
        // entry of an earlier term, a leader that was deposed in between may lack what a later one has committed; and a member that starts
        // from the snapshot, or receives it, would follow that leader: it enters only the term of the last entry.
        _wasDiscarded = capture.Last.Term != core.Term;
        var isQuarantined = _divergence.Quarantine is not null;
        if (!_wasDiscarded)
            _lastTaken = LogIndex.Max(_lastTaken, capture.Last.Index);
        if (_wasDiscarded || isQuarantined || configuration.Configuration.IsEmpty || capture.View is not { } view
            || capture.Last.Index <= (_store.Newest?.Last.Index ?? LogIndex.Zero))
        {
            capture.View?.Dispose();
            _isTaking = false;
            return;
        }

        Write(capture.Last, configuration, view, capture.ClusterVersion);
    }

    private void Write(EntryId last, ConfigurationAt configuration, IStateMachineSnapshot view, VersionAt clusterVersion)
    {
        var (store, token, observer) = (_store, _stopping.Token, _options.Observer);
        _writing.Start(
            () =>
            {
                try
                {
                    var started = observer is null ? 0 : Stopwatch.GetTimestamp();
                    using (view)
                    {
                        var written = store.Write(last, configuration.Configuration, view, token, clusterVersion, configuration.Index);
                        observer?.OnSnapshotWritten(written.Last.Index, written.Id.FileBytes, Stopwatch.GetElapsedTime(started));
                        return written;
                    }
                }
#pragma warning disable CA1031 // WriteTo is the program's: whatever it throws, the node goes on without this snapshot.
                catch (Exception fault) when (fault is not (DiskFlushException or InvariantViolationException))
#pragma warning restore CA1031
                {
                    if (fault is not OperationCanceledException)
                        observer?.OnSnapshotFailed(fault);
                    return fault;
                }
            },
            (result, _) =>
            {
                _isTaking = false;

                // The log stays, and the next snapshot is due when it has grown by as much again.
                if (result is StateCorruptionException corruption)
                    _divergence.OnStateCorruption(last, corruption);
                if (result is not SnapshotInfo written)
                    return;
                _inputs.Enqueue(Input.SnapshotSaved(written.Last, _growth.CompactTo(written.Last.Index)));
                _mustDeleteOlder = true;
            });
    }

    private void DeleteOlder()
    {
        _mustDeleteOlder = false;

        // A file that cannot be deleted now is deleted with the next snapshot.
        _deleting.Start(
            () =>
            {
                _store.DeleteOlderThanNewest();
                return null;
            },
            static (_, _) => { });
    }

    /// <summary>Deletes what a repair has set aside: this member holds everything again.</summary>
    private void DeleteSetAside()
    {
        _mustDeleteSetAside = false;

        // A file that cannot be deleted now is deleted after the next start.
        _deleting.Start(
            () =>
            {
                SetAsideFiles.Delete(_options.Storage);
                return null;
            },
            static (_, _) => { });
    }

    private sealed record Capture(EntryId Last, IStateMachineSnapshot? View, VersionAt ClusterVersion);
}
