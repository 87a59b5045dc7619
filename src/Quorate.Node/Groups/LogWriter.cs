using Quorate.Node.Wal;
using Quorate.Raft;

namespace Quorate.Node.Groups;

/// <summary>Group commit: gathers appends while the disk is busy, and gives it all of them as one write and one flush.</summary>
/// <remarks>
/// Threading: the loop calls, one thread at a time; only what is posted to the worker touches the log, and tells the loop on the worker's thread. Two batches change places, one filling while the other is on its way:
/// that bounds what waits for the disk: at a leader to what the core lets be uncommitted, at a follower to what may be on the way to it. The disk is asked for one thing at a time, in order.
/// </remarks>
internal sealed class LogWriter
{
    private readonly WriteAheadLog _log;
    private readonly IWorker _worker;
    private readonly Action _wake;
    private readonly Action _commit;
    private readonly Action _read;
    private readonly Queue<EntriesRequest> _readsWaiting = new();
    private readonly List<LogEntry> _entriesRead = [];
    private WalBatch _filling;
    private WalBatch _writing;
    private EntriesRequest _reading;
    private bool _isBusy;

    /// <summary>Whether the disk was last asked for a read.</summary>
    private bool _hasRead;

    /// <summary>What the worker has done and the loop has not taken yet: 0 nothing, 1 a commit, 2 a read, 3 failed.</summary>
    private volatile int _done;
    private Exception? _fault;

    public LogWriter(WriteAheadLog log, WalOptions options, IWorker worker, Action wake)
    {
        _log = log;
        _worker = worker;
        _wake = wake;
        _filling = new WalBatch(options);
        _writing = new WalBatch(options);
        _commit = Commit;
        _read = Read;
    }

    /// <summary>Copies what a step wants on disk into the batch that is filling.</summary>
    public void Stage(in AppendEffect append)
    {
        if (append.HardState is { } hardState)
            _filling.HardState(hardState);
        _filling.Append(append.Entries.Span);
        _filling.Commit(append.Commit);
        _filling.Token = append.Token;
    }

    /// <summary>Asks for entries to be read back; they come when the disk is free.</summary>
    public void Ask(in EntriesRequest read) => _readsWaiting.Enqueue(read);

    /// <summary>Gives the disk what has gathered, if it is free: reads and writes in turn, for a follower far behind asks for its next read as soon as it has one.</summary>
    public void Submit()
    {
        if (_isBusy)
            return;

        if (!_filling.IsEmpty && (_hasRead || _readsWaiting.Count == 0))
        {
            (_filling, _writing) = (_writing, _filling);
            (_isBusy, _hasRead) = (true, false);
            _worker.Post(_commit);
        }
        else if (_readsWaiting.TryDequeue(out _reading))
        {
            (_isBusy, _hasRead) = (true, true);
            _worker.Post(_read);
        }
    }

    /// <summary>Takes what the disk has done, if it has done something: one commit or one read.</summary>
    /// <param name="durable">After a commit, its token; else 0.</param>
    /// <param name="read">After a read, what was asked for; its entries are in <paramref name="entries"/>, good until <see cref="Submit"/>.</param>
    /// <param name="entries">The entries that were read.</param>
    /// <exception cref="IOException">The disk failed. Nothing that was not acknowledged before may be acknowledged now.</exception>
    public bool TryTake(out ulong durable, out EntriesRequest read, out ReadOnlyMemory<LogEntry> entries)
    {
        durable = 0;
        read = default;
        entries = default;
        switch (_done)
        {
            case 0:
                return false;
            case 1:
                durable = _writing.Token;
                _writing.Clear();
                break;
            case 2:
                read = _reading;
                entries = _entriesRead.ToArray();
                break;
            default:
                throw new IOException(_fault!.Message, _fault);
        }

        _done = 0;
        _isBusy = false;
        return true;
    }

    private void Commit()
    {
        try
        {
            _log.Commit(_writing);
            _done = 1;
        }
#pragma warning disable CA1031 // Whatever it was, the loop must hear of it and stop the node.
        catch (Exception fault)
#pragma warning restore CA1031
        {
            Failed(fault);
        }

        _wake();
    }

    private void Read()
    {
        try
        {
            _entriesRead.Clear();
            _log.Read(_reading.From, _reading.To, _reading.MaxBytes, _entriesRead);
            _done = 2;
        }
#pragma warning disable CA1031 // As above.
        catch (Exception fault)
#pragma warning restore CA1031
        {
            Failed(fault);
        }

        _wake();
    }

    private void Failed(Exception fault)
    {
        _fault = fault;
        _done = 3;
    }
}
