using System.Diagnostics;
using System.Runtime.InteropServices;
using Quorate.Node.Threading;
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

    /// <summary>Applies the entries that recovery found committed on disk, before the node accepts any request.</summary>
    void Replay(ReadOnlySpan<LogEntry> committed);
}

/// <summary>
/// Applies committed entries to the state machine in log order, and completes the proposals of this node with their results.
/// </summary>
/// <remarks>
/// Threading: <see cref="Replay"/> runs before the worker starts, the driver calls <see cref="Enqueue"/>, everything else runs on the
/// worker. The core bounds the queue: it emits only a limited number of entries beyond those that are reported as applied.
/// </remarks>
internal sealed class Applier<TResult>(
    IStateMachine<TResult> stateMachine, NodeId self, PendingProposals<TResult> pendingProposals, PendingReads pendingReads,
    IWorker worker, LogIndex applied, ILoop loop, IGroupObserver? groupObserver = null) : IApplier
{
    /// <summary>The most entries applied before readers are given the new state and waiting reads are completed.</summary>
    private const int BatchEntriesMax = 1024;

    private readonly Lock _lock = new();
    private readonly List<(ulong Sequence, ProposalResult<TResult> Result)> _results = [];
    private List<LogEntry> _queue = [];
    private List<LogEntry> _applying = [];
    private bool _isRunning;
    private ulong _applied = applied.Value;

    /// <summary>The entry that the state machine applies, or the last one of the batch that it publishes.</summary>
    private EntryId _current;
    private bool _isPublishing;
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

    public void Replay(ReadOnlySpan<LogEntry> committed)
    {
        try
        {
            ApplyInBatches(committed, observer: null);
        }
        catch (Exception fault)
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
                    if (_queue.Count == 0)
                    {
                        _isRunning = false;
                        return;
                    }

                    (_applying, _queue) = (_queue, _applying);
                }

                ApplyInBatches(CollectionsMarshal.AsSpan(_applying), groupObserver);
                _applying.Clear();
            }
        }
#pragma warning disable CA1031 // A state machine that threw must not continue: skipping the command would let the members diverge.
        catch (Exception fault)
#pragma warning restore CA1031
        {
            _fault = Wrap(fault);
            loop.Signal();
        }
    }

    private StateMachineException Wrap(Exception fault)
    {
        if (fault is StateMachineException { Entry.Index.Value: > 0 } named)
            return named;
        var place = _isPublishing
            ? $"in BatchApplied, after entry {_current.Index} of term {_current.Term}"
            : $"while it applied entry {_current.Index} of term {_current.Term}";
        return new StateMachineException($"The state machine threw {place}: {fault.Message}", fault) { Entry = _current };
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
            if (entry.Kind != EntryKind.Command)
                continue;

            _current = entry.Id;
            var result = stateMachine.Apply(new CommittedCommand(entry.Id, entry.Payload));
            if (entry.Proposal.Origin == self)
                _results.Add((entry.Proposal.Sequence, ProposalResult<TResult>.Committed(entry.Id, result)));
        }

        // Publish the state to readers before completing the proposals: a caller that has its result must be able to read the effect.
        var last = entries[^1].Index;
        (_current, _isPublishing) = (entries[^1].Id, true);
        stateMachine.BatchApplied(last);
        _isPublishing = false;
        Volatile.Write(ref _applied, last.Value);

        pendingProposals.Complete(_results);
        _results.Clear();
    }
}
