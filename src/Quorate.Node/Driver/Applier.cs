using System.Diagnostics;
using System.Runtime.InteropServices;
using Quorate.Node.Divergence;
using Quorate.Node.Threading;
using Quorate.Node.Versions;
using Quorate.Raft;

namespace Quorate.Node.Driver;

/// <summary>The applier as the driver sees it.</summary>
internal interface IApplier
{
    /// <summary>The highest index that is applied and visible to readers.</summary>
    LogIndex Applied { get; }

    /// <summary>The exception that ended the applier, or null.</summary>
    Exception? Fault { get; }

    /// <summary>Queues the next committed entries; they are copied.</summary>
    void Enqueue(ReadOnlySpan<LogEntry> committed);

    /// <summary>Queues the restoration of the state machine from a snapshot, after what was queued before.</summary>
    /// <param name="last">The last entry that the snapshot covers.</param>
    /// <param name="open">Opens the content of the snapshot, on the applier's thread.</param>
    void EnqueueRestore(EntryId last, Func<Stream> open);

    /// <summary>
    /// Requests a view of the state machine after the current batch. It is passed to <paramref name="captured"/> on the applier's thread
    /// with the last entry applied; null if the state machine takes no snapshot. Each request receives a view of its own.
    /// </summary>
    void RequestCapture(Action<EntryId, IStateMachineSnapshot?> captured);

    /// <summary>Applies the entries that recovery found committed on disk, before the node accepts any request.</summary>
    void Replay(ReadOnlySpan<LogEntry> committed);

    /// <summary>Restores the state machine from the snapshot that recovery found on disk, before <see cref="Replay"/>.</summary>
    void Restore(EntryId last, Stream content);
}

/// <summary>
/// Applies committed entries to the state machine in log order, completes the proposals of this node with their results, and captures and
/// restores snapshots between two batches.
/// </summary>
/// <remarks>
/// Threading: <see cref="Restore"/> and <see cref="Replay"/> run before the worker starts, the driver calls <see cref="Enqueue"/> and
/// <see cref="EnqueueRestore"/>, any thread <see cref="RequestCapture"/>, everything else runs on the worker. The core bounds the queue: it
/// emits only a limited number of entries beyond those that are reported as applied.
/// </remarks>
internal sealed class Applier<TResult>(
    IStateMachine<TResult> stateMachine, NodeId self, PendingProposals<TResult> pendingProposals, PendingReads pendingReads,
    IWorker worker, ILoop loop, ClusterFeatures features, IGroupObserver? groupObserver = null,
    GroupDivergence? divergence = null, Action<Configuration>? recordMembers = null) : IApplier
{
    /// <summary>The most entries applied before readers are given the new state and waiting reads are completed.</summary>
    private const int BatchEntriesMax = 1024;

    private readonly Lock _lock = new();
    private readonly List<(ulong Sequence, ProposalResult<TResult> Result)> _results = [];
    private readonly Queue<Action<EntryId, IStateMachineSnapshot?>> _captures = new();
    private List<LogEntry> _queue = [];
    private List<LogEntry> _applying = [];

    /// <summary>The snapshots to restore, each before the entry at a position of the queue.</summary>
    private List<QueuedRestore> _queuedRestores = [];
    private List<QueuedRestore> _restoring = [];
    private bool _isRunning;
    private ulong _applied;

    /// <summary>The last entry applied, of any kind.</summary>
    private EntryId _lastApplied;

    /// <summary>The entry that the state machine applies, or the last one of the batch that it publishes.</summary>
    private EntryId _current;
    private bool _isPublishing;
    private bool _isRestoring;
    private bool _isRecording;
    private volatile Exception? _fault;
    private Action? _run;

    public LogIndex Applied => new(Volatile.Read(ref _applied));

    public Exception? Fault => _fault;

    public void Enqueue(ReadOnlySpan<LogEntry> committed)
    {
        lock (_lock)
        {
            _queue.AddRange(committed);
            if (_isRunning || _fault is not null)
                return;
            _isRunning = true;
        }

        worker.Post(_run ??= Run);
    }

    public void EnqueueRestore(EntryId last, Func<Stream> open)
    {
        lock (_lock)
        {
            _queuedRestores.Add(new QueuedRestore(_queue.Count, last, open));
            if (_isRunning || _fault is not null)
                return;
            _isRunning = true;
        }

        worker.Post(_run ??= Run);
    }

    public void RequestCapture(Action<EntryId, IStateMachineSnapshot?> captured)
    {
        lock (_lock)
        {
            _captures.Enqueue(captured);
            if (_isRunning || _fault is not null)
                return;
            _isRunning = true;
        }

        worker.Post(_run ??= Run);
    }

    public void Restore(EntryId last, Stream content)
    {
        try
        {
            RestoreNow(last, content);
        }
        catch (Exception fault) when (fault is not (IOException or OperationCanceledException))
        {
            throw Wrap(fault);
        }
    }

    public void Replay(ReadOnlySpan<LogEntry> committed)
    {
        try
        {
            ApplyInBatches(committed, observer: null);
        }
        catch (Exception fault) when (!_isRecording)
        {
            throw Wrap(fault);
        }
    }

    private void Run()
    {
        try
        {
            while (true)
            {
                lock (_lock)
                {
                    if (_queue.Count == 0 && _queuedRestores.Count == 0 && _captures.Count == 0)
                    {
                        _isRunning = false;
                        return;
                    }

                    (_applying, _queue) = (_queue, _applying);
                    (_restoring, _queuedRestores) = (_queuedRestores, _restoring);
                }

                RunQueue(CollectionsMarshal.AsSpan(_applying));
                _applying.Clear();
                _restoring.Clear();
                CaptureRequested();
            }
        }
#pragma warning disable CA1031 // A state machine that threw must not continue: skipping the command would let the members diverge.
        catch (Exception fault)
#pragma warning restore CA1031
        {
            // A snapshot that cannot be read is a failure of the disk, not of the state machine.
            _fault = (_isRestoring || _isRecording) && fault is IOException or OperationCanceledException ? fault : Wrap(fault);
            loop.Signal();
        }
    }

    private StateMachineException Wrap(Exception fault)
    {
        if (fault is StateMachineException { Entry.Index.Value: > 0 } named)
            return named;
        if (_isRestoring)
        {
            return new StateMachineException(
                $"The state machine threw while it restored the snapshot up to entry {_current.Index} of term {_current.Term}: " +
                fault.Message,
                fault)
            {
                Entry = _current,
            };
        }

        var place = _isPublishing
            ? $"in BatchApplied, after entry {_current.Index} of term {_current.Term}"
            : $"while it applied entry {_current.Index} of term {_current.Term}";
        return new StateMachineException($"The state machine threw {place}: {fault.Message}", fault) { Entry = _current };
    }

    private void RunQueue(ReadOnlySpan<LogEntry> entries)
    {
        var at = 0;
        foreach (var restore in _restoring)
        {
            ApplyInBatches(entries[at..restore.Position], groupObserver);
            at = restore.Position;
            using var content = restore.Open();
            RestoreNow(restore.Last, content);
            loop.Signal();
        }

        ApplyInBatches(entries[at..], groupObserver);
    }

    private void RestoreNow(EntryId last, Stream content)
    {
        (_current, _isRestoring) = (last, true);
        stateMachine.RestoreSnapshot(last, content);
        _isRestoring = false;
        Publish(last);
        pendingReads.OnApplied(Applied);
    }

    private void CaptureRequested()
    {
        while (true)
        {
            Action<EntryId, IStateMachineSnapshot?>? captured;
            lock (_lock)
            {
                if (!_captures.TryDequeue(out captured))
                    return;
            }

            _current = _lastApplied;
            captured(_lastApplied, stateMachine.CaptureSnapshot());
        }
    }

    private void ApplyInBatches(ReadOnlySpan<LogEntry> entries, IGroupObserver? observer)
    {
        for (var start = 0; start < entries.Length; start += BatchEntriesMax)
        {
            var batch = entries[start..Math.Min(entries.Length, start + BatchEntriesMax)];
            var started = observer is null ? 0 : Stopwatch.GetTimestamp();
            ApplyAll(batch);
            observer?.OnApplied(batch.Length, Stopwatch.GetElapsedTime(started));
            pendingReads.OnApplied(Applied);
        }
    }

    private void ApplyAll(ReadOnlySpan<LogEntry> entries)
    {
        foreach (ref readonly var entry in entries)
        {
            if (entry.Kind == EntryKind.Command)
                Apply(entry);
            else if (entry.Kind == EntryKind.ClusterVersion)
                RecordVersion(entry);
            else if (entry.Kind == EntryKind.Configuration)
                RecordConfiguration(entry);
            if (divergence is not null && divergence.IsDue(entry.Index))
                divergence.OnHash(entry.Index, stateMachine.StateHash);
        }

        // Publish the state to readers before completing the proposals: a caller that has its result must be able to read the effect.
        Publish(entries[^1].Id);
        pendingProposals.Complete(_results);
        _results.Clear();
    }

    private void Apply(in LogEntry entry)
    {
        _current = entry.Id;
        var result = stateMachine.Apply(new CommittedCommand(entry.Id, entry.Payload));
        if (entry.Proposal.Origin != self)
            return;

        // The command is committed, but the result is that of a wrong state.
        var outcome = divergence?.Quarantine is null
            ? ProposalResult<TResult>.Committed(entry.Id, result)
            : ProposalResult<TResult>.Indeterminate;
        _results.Add((entry.Proposal.Sequence, outcome));
    }

    /// <summary>Records a version of the cluster on the disk. Nothing that it permits happens before.</summary>
    private void RecordVersion(in LogEntry entry)
    {
        var before = features.Current.Version;
        _isRecording = true;
        features.Record(VersionAt.Decode(entry));
        _isRecording = false;
        if (features.Current.Version != before)
            groupObserver?.OnClusterVersion(before, features.Current.Version);
    }

    /// <summary>Records the members on the disk; the core has used them since the entry was appended.</summary>
    private void RecordConfiguration(in LogEntry entry)
    {
        var configuration = ConfigurationCodec.Decode(entry);
        if (recordMembers is not null && !configuration.IsJoint)
        {
            _isRecording = true;
            recordMembers(configuration);
            _isRecording = false;
        }

        if (entry.Proposal.Origin == self)
            _results.Add((entry.Proposal.Sequence, ProposalResult<TResult>.Committed(entry.Id, default!)));
    }

    private void Publish(EntryId last)
    {
        (_current, _isPublishing) = (last, true);
        stateMachine.BatchApplied(last.Index);
        _isPublishing = false;
        _lastApplied = last;
        Volatile.Write(ref _applied, last.Index.Value);
    }

    private readonly record struct QueuedRestore(int Position, EntryId Last, Func<Stream> Open);
}
