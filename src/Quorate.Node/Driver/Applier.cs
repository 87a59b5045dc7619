using System.Runtime.InteropServices;
using Quorate.Raft;

namespace Quorate.Node.Driver;

/// <summary>What the loop sees of the state machine's side.</summary>
internal interface IApplier
{
    /// <summary>Everything up to here has been applied and can be read.</summary>
    LogIndex Applied { get; }

    /// <summary>Why applying has ended, or null.</summary>
    Exception? Fault { get; }

    /// <summary>Hands over the next committed entries; they are copied.</summary>
    void Enqueue(ReadOnlySpan<LogEntry> committed);

    /// <summary>A proposal of this node will never be committed.</summary>
    void Reject(in Rejection rejection, NodeId leader);
}

/// <summary>Feeds the state machine, in the order of the log, and brings each result to whoever proposed it here.</summary>
/// <remarks>
/// Threading: everything but <see cref="Enqueue"/> and <see cref="Reject"/> runs on the worker. The queue is bounded by the core, which hands out only so
/// many entries before it hears that they were applied.
/// </remarks>
internal sealed class Applier<TResult>(
    IStateMachine<TResult> stateMachine, NodeId self, PendingProposals<TResult> pendingProposals, PendingReads pendingReads, IWorker worker, LogIndex applied, Action onFault) : IApplier
{
    /// <summary>The most entries between two moments at which readers see what was applied.</summary>
    private const int BatchEntriesMax = 1024;

    private readonly Lock _lock = new();
    private readonly List<(ulong Sequence, ProposalResult<TResult> Result)> _results = [];
    private List<LogEntry> _queue = [];
    private List<LogEntry> _applying = [];
    private bool _isRunning;
    private ulong _applied = applied.Value;
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

    public void Reject(in Rejection rejection, NodeId leader) =>
        pendingProposals.Complete(rejection.Proposal.Sequence, ProposalResult<TResult>.Rejected(rejection.Reason, leader));

    /// <summary>Applies entries that a restarted node finds committed on its disk, before anybody can ask.</summary>
    public void Replay(ReadOnlySpan<LogEntry> committed) => ApplyInBatches(committed);

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

                ApplyInBatches(CollectionsMarshal.AsSpan(_applying));
                _applying.Clear();
            }
        }
#pragma warning disable CA1031 // A state machine that throws must not go on: to skip the command would let the members differ.
        catch (Exception fault)
#pragma warning restore CA1031
        {
            _fault = new StateMachineException($"the state machine threw while it applied entry {Applied + 1} or soon after: {fault.Message}", fault);
            onFault();
        }
    }

    private void ApplyInBatches(ReadOnlySpan<LogEntry> entries)
    {
        for (var start = 0; start < entries.Length; start += BatchEntriesMax)
        {
            ApplyAll(entries[start..Math.Min(entries.Length, start + BatchEntriesMax)]);
            pendingReads.OnApplied(Applied);
        }
    }

    private void ApplyAll(ReadOnlySpan<LogEntry> entries)
    {
        foreach (ref readonly var entry in entries)
        {
            if (entry.Kind != EntryKind.Command)
                continue;

            var result = stateMachine.Apply(new CommittedCommand(entry.Id, entry.Payload));
            if (entry.Proposal.Origin == self)
                _results.Add((entry.Proposal.Sequence, ProposalResult<TResult>.Committed(entry.Index, result)));
        }

        // First the readers' view, then the answers: whoever has an answer must be able to read what it tells of.
        var last = entries[^1].Index;
        stateMachine.BatchApplied(last);
        Volatile.Write(ref _applied, last.Value);

        pendingProposals.Complete(_results);
        _results.Clear();
    }
}
