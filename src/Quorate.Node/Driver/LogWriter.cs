using System.Diagnostics;
using Quorate.Node.Threading;
using Quorate.Node.Wal;
using Quorate.Raft;

namespace Quorate.Node.Driver;

/// <summary>Group commit: collects appends while the disk is busy, and then writes all of them with one write and one flush.</summary>
/// <remarks>
/// Threading: the driver calls, one thread at a time. Only the work that is posted to the worker accesses the log, and it calls
/// <see cref="ILoop.TryRunInline"/> on the worker's thread. Two batches alternate: one is filled while the other is written. That bounds
/// what waits for the disk: at a leader by the core's limit on uncommitted entries, at a follower by what may be in flight to it. The disk
/// executes one operation at a time, in order.
/// <code>
///   Healthy ── no space for the next segment or the reserve ──► LowSpace ── no space for the batch ──► Full
///      ◄────────────────── both are there ────────────────────────┘ ◄─────── the batch is written ──────┘
///   any of them ── an operation runs for longer than an election timeout ──► Stalled ── it completes ──► as before
/// </code>
/// A batch for which there is no space has changed nothing; it is written again on each tick and when entries were dropped.
/// </remarks>
internal sealed class LogWriter
{
    /// <summary>While space is short, the log looks for space every this many ticks.</summary>
    private const int CheckIntervalTicks = 5;

    /// <summary>A disk that has had nothing to do for this many election timeouts is probed, if a probe is asked for.</summary>
    private const int ProbeElectionTimeouts = 5;

    private readonly WriteAheadLog _log;
    private readonly int _stalledTicks;
    private readonly IWorker _worker;
    private readonly ILoop _loop;
    private readonly IGroupObserver? _observer;
    private readonly Action _appendAndFlush;
    private readonly Action _read;
    private readonly Action _drop;
    private readonly Action _check;

    /// <summary>The requested reads, oldest first; at most one for each peer.</summary>
    private readonly List<LoadEntriesRequest> _pendingReads = [];
    private readonly List<LogEntry> _readEntries = [];
    private WalBatch _filling;
    private WalBatch _writing;
    private LoadEntriesRequest _currentRead;

    /// <summary>The log may drop the entries before this one; 0: none.</summary>
    private LogIndex _dropBefore;
    private LogIndex _currentDrop;
    private bool _isBusy;

    /// <summary>The ticks since the last operation began or, when none runs, ended.</summary>
    private int _ticks;

    /// <summary>The ticks until the log looks for space again, if space is short then.</summary>
    private int _ticksToCheck;

    /// <summary>There was no space for <see cref="_writing"/>, or for dropping entries.</summary>
    private bool _isFull;

    /// <summary>Although the disk was full, a write or a drop may be tried again: a tick has passed, or entries were dropped.</summary>
    private bool _mustRetry;

    /// <summary>A check of the disk is due: a probe, or a search for space.</summary>
    private bool _mustCheck;

    /// <summary>The log's shortage of space after the last operation; the log itself may be read only while no operation runs.</summary>
    private bool _isSpaceShort;

    /// <summary>Whether the last operation given to the disk was a read.</summary>
    private bool _lastWasRead;

    /// <summary>The operation that the worker has completed and the driver has not taken yet.</summary>
    private volatile CompletedOperation _completed;
    private Exception? _fault;

    /// <param name="log">The log.</param>
    /// <param name="options">The options of the log.</param>
    /// <param name="stalledTicks">The ticks after which an operation that has not completed counts as stalled: an election timeout.</param>
    /// <param name="worker">Runs the operations.</param>
    /// <param name="loop">Is notified of each completed operation.</param>
    /// <param name="observer">Receives the duration of each flush.</param>
    public LogWriter(
        WriteAheadLog log, WalOptions options, int stalledTicks, IWorker worker, ILoop loop, IGroupObserver? observer = null)
    {
        _log = log;
        _stalledTicks = stalledTicks;
        _isSpaceShort = log.SpaceShortage is not null;
        _worker = worker;
        _loop = loop;
        _observer = observer;
        _filling = new WalBatch(options);
        _writing = new WalBatch(options);
        _appendAndFlush = AppendAndFlush;
        _read = Read;
        _drop = Drop;
        _check = Check;
    }

    /// <summary>Whether this node can write its log.</summary>
    public StorageHealth Health
    {
        get
        {
            if (_isBusy && _ticks > _stalledTicks)
                return StorageHealth.Stalled;
            if (_isFull)
                return StorageHealth.Full;
            return _isSpaceShort ? StorageHealth.LowSpace : StorageHealth.Healthy;
        }
    }

    /// <summary>Copies what a step must make durable into the batch that is being filled.</summary>
    public void Stage(in AppendEffect append)
    {
        if (append.HardState is { } hardState)
            _filling.SetHardState(hardState);
        if (append.ResetTo is { } snapshot)
            _filling.ResetTo(snapshot.Index + 1);
        _filling.Append(append.Entries.Span);
        _filling.SetCommitIndex(append.Commit);
        _filling.Token = append.Token;
    }

    /// <summary>
    /// Requests entries to be read from the log; the read runs when the disk is free. It replaces an older request for the same peer that
    /// has not started: the core gave up that one when the connection of the peer was closed. While the disk hangs, every closed connection
    /// would otherwise add a request.
    /// </summary>
    public void RequestRead(in LoadEntriesRequest read)
    {
        for (var i = 0; i < _pendingReads.Count; i++)
        {
            if (_pendingReads[i].Peer == read.Peer)
            {
                _pendingReads[i] = read;
                return;
            }
        }

        _pendingReads.Add(read);
    }

    /// <summary>The number of reads that have not started.</summary>
    internal int PendingReadCount => _pendingReads.Count;

    /// <summary>Drops the entries up to this one, which a durable snapshot covers.</summary>
    public void CompactTo(LogIndex index) => _dropBefore = LogIndex.Max(_dropBefore, index + 1);

    /// <summary>Counts the time, and decides what is due without an append.</summary>
    /// <param name="mayProbe">Whether a disk that has had nothing to do for some time must show that it completes a write.</param>
    public void OnTick(bool mayProbe)
    {
        _ticks++;
        _mustRetry = _isFull;
        if (--_ticksToCheck <= 0 && _isSpaceShort)
            (_mustCheck, _ticksToCheck) = (true, CheckIntervalTicks);
        _mustCheck |= mayProbe && !_isBusy && _ticks > ProbeElectionTimeouts * _stalledTicks;
    }

    /// <summary>
    /// Gives the disk its next operation, if it is free. Reads and writes alternate: a follower far behind always has its next read
    /// waiting. Dropping entries, which is rare, comes first: a disk that is always busy would otherwise never get to it.
    /// </summary>
    public void Submit()
    {
        if (_isBusy)
            return;

        var mayWrite = !_isFull || _mustRetry;
        if (_dropBefore > LogIndex.Zero && mayWrite)
        {
            (_currentDrop, _dropBefore) = (_dropBefore, LogIndex.Zero);
            Post(_drop);
        }
        else if (_mustCheck)
        {
            _mustCheck = false;
            Post(_check);
        }
        else if (HasBatch && mayWrite && (_lastWasRead || _pendingReads.Count == 0))
        {
            // The batch for which there was no space comes first.
            if (_writing.IsEmpty)
                (_filling, _writing) = (_writing, _filling);
            (_mustRetry, _lastWasRead) = (false, false);
            Post(_appendAndFlush);
        }
        else if (_pendingReads.Count > 0)
        {
            _currentRead = _pendingReads[0];
            _pendingReads.RemoveAt(0);
            _lastWasRead = true;
            Post(_read);
        }
    }

    /// <summary>
    /// Takes the operation that the disk has completed, if there is one of which the core must know: a write or a read.
    /// </summary>
    /// <param name="durable">After a write, the token of the batch; else 0.</param>
    /// <param name="read">
    /// After a read, the request. Its entries are in <paramref name="entries"/> and stay valid until <see cref="Submit"/>.
    /// </param>
    /// <param name="entries">The entries that were read.</param>
    /// <exception cref="IOException">
    /// The disk failed. Appends that were not acknowledged before must not be acknowledged any more.
    /// </exception>
    public bool TryTakeCompleted(out ulong durable, out LoadEntriesRequest read, out ReadOnlyMemory<LogEntry> entries)
    {
        durable = 0;
        read = default;
        entries = default;
        var completed = _completed;
        switch (completed)
        {
            case CompletedOperation.None:
                return false;
            case CompletedOperation.Write:
                durable = _writing.Token;
                _writing.Clear();
                _isFull = false;
                break;
            case CompletedOperation.Read:
                read = _currentRead;
                entries = _readEntries.ToArray();
                break;
            case CompletedOperation.Drop:
                // It may have made space for a batch that waits.
                _isFull = _mustRetry = !_writing.IsEmpty;
                break;
            case CompletedOperation.Check:
                break;
            case CompletedOperation.WriteWithoutSpace:
                _isFull = true;
                break;
            case CompletedOperation.DropWithoutSpace:
                _dropBefore = LogIndex.Max(_dropBefore, _currentDrop);
                (_isFull, _mustRetry) = (true, false);
                break;
            default:
                throw new IOException(_fault!.Message, _fault);
        }

        _completed = CompletedOperation.None;
        (_isBusy, _ticks) = (false, 0);
        if (completed is not CompletedOperation.Read)
            _isSpaceShort = _log.SpaceShortage is not null;
        return completed is CompletedOperation.Write or CompletedOperation.Read;
    }

    private bool HasBatch => !_writing.IsEmpty || !_filling.IsEmpty;

    private void Post(Action operation)
    {
        (_isBusy, _ticks) = (true, 0);
        _worker.Post(operation);
    }

    private void AppendAndFlush()
    {
        try
        {
            var started = _observer is null ? 0 : Stopwatch.GetTimestamp();
            _log.AppendAndFlush(_writing);
            _observer?.OnFlushed(Stopwatch.GetElapsedTime(started));
            _completed = CompletedOperation.Write;
        }
        catch (IOException) when (!_log.HasFailed)
        {
            _completed = CompletedOperation.WriteWithoutSpace;
        }
#pragma warning disable CA1031 // Any exception must reach the driver, which stops the node.
        catch (Exception fault)
#pragma warning restore CA1031
        {
            OnFailed(fault);
        }

        _loop.TryRunInline();
    }

    private void Read()
    {
        try
        {
            // A snapshot may have replaced the entries since they were requested.
            _readEntries.Clear();
            if (_currentRead.From >= _log.FirstIndex && _currentRead.To <= _log.LastIndex)
                _log.Read(_currentRead.From, _currentRead.To, _currentRead.MaxBytes, _readEntries);
            _completed = CompletedOperation.Read;
        }
#pragma warning disable CA1031 // As above.
        catch (Exception fault)
#pragma warning restore CA1031
        {
            OnFailed(fault);
        }

        _loop.TryRunInline();
    }

    private void Drop()
    {
        try
        {
            _log.DropBefore(_currentDrop);
            _completed = CompletedOperation.Drop;
        }
        catch (IOException) when (!_log.HasFailed)
        {
            _completed = CompletedOperation.DropWithoutSpace;
        }
#pragma warning disable CA1031 // As above.
        catch (Exception fault)
#pragma warning restore CA1031
        {
            OnFailed(fault);
        }

        _loop.TryRunInline();
    }

    private void Check()
    {
        try
        {
            _log.CheckDisk();
            _completed = CompletedOperation.Check;
        }
#pragma warning disable CA1031 // As above.
        catch (Exception fault)
#pragma warning restore CA1031
        {
            OnFailed(fault);
        }

        _loop.TryRunInline();
    }

    private void OnFailed(Exception fault)
    {
        _fault = fault;
        _completed = CompletedOperation.Failure;
    }

    private enum CompletedOperation
    {
        None,
        Write,
        Read,
        Drop,
        Check,
        WriteWithoutSpace,
        DropWithoutSpace,
        Failure,
    }
}
