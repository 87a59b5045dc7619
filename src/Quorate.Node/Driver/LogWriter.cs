using Quorate.Node.Wal;
using Quorate.Raft;

namespace Quorate.Node.Driver;

/// <summary>Group commit: gathers appends while the disk is busy, and gives it all of them as one write and one flush.</summary>
/// <remarks>
/// Threading: the loop calls, one thread at a time; only what is posted to the worker touches the log, and tells the loop on the worker's thread. Two batches change places, one filling while the other is on its way:
/// that bounds what waits for the disk: at a leader to what the core lets be uncommitted, at a follower to what may be on the way to it. The disk is asked for one thing at a time, in order.
/// </remarks>
internal sealed class LogWriter
{
    private readonly WriteAheadLog _log;
    private readonly IWorker _worker;
    private readonly Action _onCompleted;
    private readonly Action _appendAndFlush;
    private readonly Action _read;
    private readonly Queue<EntriesRequest> _pendingReads = new();
    private readonly List<LogEntry> _readEntries = [];
    private WalBatch _filling;
    private WalBatch _writing;
    private EntriesRequest _currentRead;
    private bool _isBusy;

    /// <summary>Whether the disk was last asked for a read.</summary>
    private bool _lastWasRead;

    /// <summary>What the worker has done and the loop has not taken yet: 0 nothing, 1 a commit, 2 a read, 3 failed.</summary>
    private volatile int _completed;
    private Exception? _fault;

    public LogWriter(WriteAheadLog log, WalOptions options, IWorker worker, Action onCompleted)
    {
        _log = log;
        _worker = worker;
        _onCompleted = onCompleted;
        _filling = new WalBatch(options);
        _writing = new WalBatch(options);
        _appendAndFlush = AppendAndFlush;
        _read = Read;
    }

    /// <summary>Copies what a step wants on disk into the batch that is filling.</summary>
    public void Stage(in AppendEffect append)
    {
        if (append.HardState is { } hardState)
            _filling.SetHardState(hardState);
        _filling.Append(append.Entries.Span);
        _filling.SetCommitIndex(append.Commit);
        _filling.Token = append.Token;
    }

    /// <summary>Asks for entries to be read back; they come when the disk is free.</summary>
    public void RequestRead(in EntriesRequest read) => _pendingReads.Enqueue(read);

    /// <summary>Gives the disk what has gathered, if it is free: reads and writes in turn, for a follower far behind asks for its next read as soon as it has one.</summary>
    public void Submit()
    {
        if (_isBusy)
            return;

        if (!_filling.IsEmpty && (_lastWasRead || _pendingReads.Count == 0))
        {
            (_filling, _writing) = (_writing, _filling);
            (_isBusy, _lastWasRead) = (true, false);
            _worker.Post(_appendAndFlush);
        }
        else if (_pendingReads.TryDequeue(out _currentRead))
        {
            (_isBusy, _lastWasRead) = (true, true);
            _worker.Post(_read);
        }
    }

    /// <summary>Takes what the disk has done, if it has done something: one commit or one read.</summary>
    /// <param name="durable">After a commit, its token; else 0.</param>
    /// <param name="read">After a read, what was asked for; its entries are in <paramref name="entries"/>, good until <see cref="Submit"/>.</param>
    /// <param name="entries">The entries that were read.</param>
    /// <exception cref="IOException">The disk failed. Nothing that was not acknowledged before may be acknowledged now.</exception>
    public bool TryTakeCompleted(out ulong durable, out EntriesRequest read, out ReadOnlyMemory<LogEntry> entries)
    {
        durable = 0;
        read = default;
        entries = default;
        switch (_completed)
        {
            case 0:
                return false;
            case 1:
                durable = _writing.Token;
                _writing.Clear();
                break;
            case 2:
                read = _currentRead;
                entries = _readEntries.ToArray();
                break;
            default:
                throw new IOException(_fault!.Message, _fault);
        }

        _completed = 0;
        _isBusy = false;
        return true;
    }

    private void AppendAndFlush()
    {
        try
        {
            _log.AppendAndFlush(_writing);
            _completed = 1;
        }
#pragma warning disable CA1031 // Whatever it was, the loop must hear of it and stop the node.
        catch (Exception fault)
#pragma warning restore CA1031
        {
            OnFailed(fault);
        }

        _onCompleted();
    }

    private void Read()
    {
        try
        {
            _readEntries.Clear();
            _log.Read(_currentRead.From, _currentRead.To, _currentRead.MaxBytes, _readEntries);
            _completed = 2;
        }
#pragma warning disable CA1031 // As above.
        catch (Exception fault)
#pragma warning restore CA1031
        {
            OnFailed(fault);
        }

        _onCompleted();
    }

    private void OnFailed(Exception fault)
    {
        _fault = fault;
        _completed = 3;
    }
}
