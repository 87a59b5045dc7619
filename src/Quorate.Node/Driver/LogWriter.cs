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
/// </remarks>
internal sealed class LogWriter
{
    private readonly WriteAheadLog _log;
    private readonly IWorker _worker;
    private readonly ILoop _loop;
    private readonly IGroupObserver? _observer;
    private readonly Action _appendAndFlush;
    private readonly Action _read;
    private readonly Action _drop;

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

    /// <summary>Whether the last operation given to the disk was a read.</summary>
    private bool _lastWasRead;

    /// <summary>The operation that the worker has completed and the driver has not taken yet.</summary>
    private volatile CompletedOperation _completed;
    private Exception? _fault;

    public LogWriter(WriteAheadLog log, WalOptions options, IWorker worker, ILoop loop, IGroupObserver? observer = null)
    {
        _log = log;
        _worker = worker;
        _loop = loop;
        _observer = observer;
        _filling = new WalBatch(options);
        _writing = new WalBatch(options);
        _appendAndFlush = AppendAndFlush;
        _read = Read;
        _drop = Drop;
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

    /// <summary>
    /// Gives the disk its next operation, if it is free. Reads and writes alternate: a follower far behind always has its next read
    /// waiting. Dropping entries, which is rare, comes first: a disk that is always busy would otherwise never get to it.
    /// </summary>
    public void Submit()
    {
        if (_isBusy)
            return;

        if (_dropBefore > LogIndex.Zero)
        {
            (_currentDrop, _dropBefore, _isBusy) = (_dropBefore, LogIndex.Zero, true);
            _worker.Post(_drop);
        }
        else if (!_filling.IsEmpty && (_lastWasRead || _pendingReads.Count == 0))
        {
            (_filling, _writing) = (_writing, _filling);
            (_isBusy, _lastWasRead) = (true, false);
            _worker.Post(_appendAndFlush);
        }
        else if (_pendingReads.Count > 0)
        {
            _currentRead = _pendingReads[0];
            _pendingReads.RemoveAt(0);
            (_isBusy, _lastWasRead) = (true, true);
            _worker.Post(_read);
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
        switch (_completed)
        {
            case CompletedOperation.None:
                return false;
            case CompletedOperation.Write:
                durable = _writing.Token;
                _writing.Clear();
                break;
            case CompletedOperation.Read:
                read = _currentRead;
                entries = _readEntries.ToArray();
                break;
            case CompletedOperation.Drop:
                break;
            default:
                throw new IOException(_fault!.Message, _fault);
        }

        var isDrop = _completed == CompletedOperation.Drop;
        _completed = CompletedOperation.None;
        _isBusy = false;
        return !isDrop;
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
        Failure,
    }
}
