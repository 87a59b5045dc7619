using Quorate.Raft;

namespace Quorate.Node.Driver;

/// <summary>The leadership transfers that callers of this node wait for.</summary>
/// <remarks>
/// The core carries out one at a time and refuses others at once, so few are ever pending; the bound only keeps a loop of callers between
/// two iterations from growing the queue. A caller that stops waiting leaves its transfer as it is: the core ends it by its deadline.
/// A result is given to its caller only after the iteration, when the status of the node is published: a caller whose transfer is completed
/// must not find the old leader in it.
/// Threading: any thread adds; the driver takes, records results and dispatches them.
/// </remarks>
internal sealed class PendingTransfers
{
    private const int PendingMax = 16;

    private readonly Lock _lock = new();
    private readonly Dictionary<ulong, TaskCompletionSource<LeadershipTransferResult>> _pending = [];
    private readonly Queue<Input> _arrived = new();
    private readonly List<TransferResult> _results = [];
    private ulong _tickets;

    /// <summary>Adds a transfer.</summary>
    /// <param name="createInput">Creates the input of the core for a ticket.</param>
    public Task<LeadershipTransferResult> Add(Func<ulong, Input> createInput)
    {
        lock (_lock)
        {
            if (_pending.Count >= PendingMax)
                return Task.FromResult(new LeadershipTransferResult { Failure = TransferFailure.InProgress });
            var source = new TaskCompletionSource<LeadershipTransferResult>(TaskCreationOptions.RunContinuationsAsynchronously);
            _pending.Add(++_tickets, source);
            _arrived.Enqueue(createInput(_tickets));
            return source.Task;
        }
    }

    /// <summary>Takes the next transfer for the core. Returns false when there is none.</summary>
    public bool TryTake(out Input input)
    {
        lock (_lock)
            return _arrived.TryDequeue(out input);
    }

    /// <summary>Records the core's result of a transfer.</summary>
    public void OnResult(in TransferResult result) => _results.Add(result);

    /// <summary>Completes the transfers whose results were recorded, after the status of the node has been published.</summary>
    public void Dispatch()
    {
        foreach (var result in _results)
        {
            TaskCompletionSource<LeadershipTransferResult>? source;
            lock (_lock)
                _pending.Remove(result.Ticket, out source);
            source?.TrySetResult(new LeadershipTransferResult { Failure = result.Failure, Leader = result.Leader });
        }

        _results.Clear();
    }

    /// <summary>Fails all transfers when the node stops: no component would complete them any more.</summary>
    public void FailAll(NodeStoppedException stopped)
    {
        TaskCompletionSource<LeadershipTransferResult>[] all;
        lock (_lock)
        {
            all = [.. _pending.Values];
            _pending.Clear();
            _arrived.Clear();
        }

        foreach (var source in all)
            source.TrySetException(stopped);
    }
}
