using System.Diagnostics;
using Quorate.Load.Http2;

namespace Quorate.Load.Servers;

/// <summary>One thread with its connections: reads what has arrived, starts the next operations, and sends them in one call each.</summary>
internal sealed class LoadThread : ICallHandler, IDisposable
{
    private static readonly long CheckInterval = Stopwatch.Frequency / 10;

    private readonly ServerLoadOptions _options;
    private readonly RequestPreparer _preparer;
    private readonly Http2Connection[] _connections;
    private readonly Poller _poller;
    private readonly FilePresence? _files;
    private readonly Queue<Call> _idle = new();
    private ServerLoadRecorder _recorder = new();
    private int _active;

    /// <param name="options">The options of all threads.</param>
    /// <param name="thread">The number of this thread, which selects its random keys.</param>
    /// <param name="connections">The endpoint of each connection, and its number of clients.</param>
    /// <param name="sequence">The keys of all threads, if they are sequential.</param>
    /// <param name="files">The files during whose existence operations are counted separately; null: none.</param>
    public LoadThread(
        ServerLoadOptions options, int thread, IEnumerable<(Uri Endpoint, int Clients)> connections, KeySequence sequence,
        FilePresence? files)
    {
        _options = options;
        _files = files;
        _preparer = new RequestPreparer(options, sequence, thread);
        _connections =
        [
            .. connections.Select(c => new Http2Connection(c.Endpoint, _preparer.Path, _preparer.Message, c.Clients, this)),
        ];
        _poller = new Poller(_connections);

        // Round-robin over the connections, so that an open loop does not fill one connection first.
        for (var number = 0; number < _connections.Max(connection => connection.Calls.Length); number++)
        {
            foreach (var connection in _connections.Where(connection => number < connection.Calls.Length))
            {
                _idle.Enqueue(connection.Calls[number]);
            }
        }
    }

    /// <exception cref="Http2Exception">A connection could not be opened.</exception>
    public void Open()
    {
        foreach (var connection in _connections)
        {
            connection.Open(_options.Timeout);
        }
    }

    /// <summary>Runs one phase until its last operation has ended, and returns what it measured.</summary>
    public ServerLoadRecorder Run(OperationSchedule schedule, CancellationToken stop)
    {
        _recorder = new ServerLoadRecorder();
        Poller.WakeOnTime();
        var timeout = (long)(_options.Timeout.TotalSeconds * Stopwatch.Frequency);
        var nextCheck = 0L;
        while (true)
        {
            var now = Stopwatch.GetTimestamp();
            if (!stop.IsCancellationRequested)
            {
                StartDueOperations(schedule, now);
            }

            if (_active == 0 && (schedule.IsOver(now) || stop.IsCancellationRequested || !HasUsableConnection()))
            {
                return _recorder;
            }

            foreach (var connection in _connections)
            {
                connection.Flush();
            }

            if (now >= nextCheck)
            {
                nextCheck = now + CheckInterval;
                foreach (var connection in _connections)
                {
                    connection.ExpireCalls(now - timeout);
                }
            }

            // Without an idle client, a due operation waits for a response; and after the end, nothing is due.
            _poller.Wait(_idle.Count > 0 && !schedule.IsOver(now) ? Math.Min(nextCheck, schedule.NextEvent()) : nextCheck);
            for (var i = 0; i < _connections.Length; i++)
            {
                if (_poller.HasInput(i))
                {
                    _connections[i].Receive();
                }
            }
        }
    }

    void ICallHandler.Prepare(Span<byte> message) => _preparer.Prepare(message);

    void ICallHandler.OnCompleted(Call call, string? error)
    {
        _active--;
        _idle.Enqueue(call);
        if (error is not null)
        {
            _recorder.RecordFailure(error);
            return;
        }

        if (_options.Operation is ServerOperation.Range)
        {
            try
            {
                _recorder.KeysRead += EtcdMessages.CountKeys(call.Message);
            }
            catch (InvalidDataException invalid)
            {
                _recorder.RecordFailure(invalid.Message);
                return;
            }
        }

        _recorder.RecordSuccess(call.StartedAt, call.SentAt, call.Connection.ReceivedAt, _files is { IsPresent: true });
    }

    public void Dispose()
    {
        foreach (var connection in _connections)
        {
            connection.Dispose();
        }
    }

    private void StartDueOperations(OperationSchedule schedule, long now)
    {
        while (_idle.TryPeek(out var call))
        {
            if (!call.Connection.IsUsable)
            {
                // The clients of a lost connection stop; their last operations were counted as failed.
                _idle.Dequeue();
                continue;
            }

            if (!schedule.TryStart(now, out var startedAt))
            {
                return;
            }

            _idle.Dequeue();
            _active++;
            call.Connection.Start(call, startedAt, now);
        }
    }

    private bool HasUsableConnection() => Array.Exists(_connections, connection => connection.IsUsable);
}
