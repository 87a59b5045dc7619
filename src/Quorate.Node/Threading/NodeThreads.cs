using Quorate.Raft;

namespace Quorate.Node.Threading;

/// <summary>The threads of one node: the loop, the disk, the state machine, and two for snapshots.</summary>
/// <remarks>
/// Threading: <see cref="Start"/>, <see cref="StopLoop"/> and <see cref="Dispose"/> are called in this order, not concurrently.
/// </remarks>
internal sealed class NodeThreads(NodeId node) : IDisposable
{
    private readonly ThreadWorker _disk = new($"raft {node} disk");
    private readonly ThreadWorker _apply = new($"raft {node} apply");
    private readonly ThreadWorker _snapshot = new($"raft {node} snapshot");
    private readonly ThreadWorker _transfer = new($"raft {node} transfer");
    private readonly LoopScheduler _loop = new($"raft {node} loop");

    public ILoop Loop => _loop;

    public IWorker Disk => _disk;

    public IWorker Apply => _apply;

    public IWorker Snapshot => _snapshot;

    public IWorker Transfer => _transfer;

    /// <summary>Starts the threads. Work that was posted and events that were signalled before are handled first.</summary>
    /// <param name="runOnce">Runs one iteration of the loop. If it throws, it was the last one.</param>
    /// <param name="untilNextTick">Returns the time until an iteration is due without any event.</param>
    /// <param name="onStopped">Called once, on the loop's thread, after the last iteration: with the exception if that one threw.</param>
    public void Start(Action runOnce, Func<TimeSpan> untilNextTick, Action<Exception?> onStopped)
    {
        _disk.Start();
        _apply.Start();
        _snapshot.Start();
        _transfer.Start();
        _loop.Start(runOnce, untilNextTick, onStopped);
    }

    /// <summary>Waits for the last iteration. Must not be called within an iteration.</summary>
    public void StopLoop() => _loop.Stop();

    /// <summary>Finishes the posted work and ends the threads of the disk and the state machine. The loop must have been stopped.</summary>
    public void Dispose()
    {
        _disk.Dispose();
        _apply.Dispose();
        _snapshot.Dispose();
        _transfer.Dispose();
        _loop.Dispose();
    }
}
