using System.Diagnostics;
using Grpc.Core;
using Quorate.Server.Protos;

namespace Quorate.Cli.Bench;

/// <summary>Runs one bench: connects, warms up, measures, reports.</summary>
internal sealed class BenchRunner
{
    private readonly BenchOptions _options;
    private readonly BenchConnections _connections;
    private readonly BenchClient[] _clients;

    private BenchRunner(BenchOptions options, BenchConnections connections)
    {
        _options = options;
        _connections = connections;
        var sequence = new BenchKeySequence();
        var revisions = options.Shares[(int)BenchOperationKind.Txn] > 0 ? new long[options.KeySpace] : [];
        _clients = [.. Enumerable.Range(0, options.Clients).Select(client => new BenchClient(options, sequence, revisions, client))];
    }

    /// <summary>Runs the bench to its end or until it is cancelled, and reports what was measured in either case.</summary>
    public static async Task<BenchReport> RunAsync(BenchOptions options, TextWriter? progress, CancellationToken stop)
    {
        using var connections = await BenchConnections.OpenAsync(options, stop).ConfigureAwait(false);
        var runner = new BenchRunner(options, connections);
        if (options.Warmup > TimeSpan.Zero)
        {
            await runner.RunPhaseAsync(
                new RateSchedule(null, options.Warmup, options.Rate), new BenchRecorder(), null, stop).ConfigureAwait(false);
        }

        return await runner.MeasureAsync(progress, stop).ConfigureAwait(false);
    }

    private async Task<BenchReport> MeasureAsync(TextWriter? progress, CancellationToken stop)
    {
        foreach (var client in _clients)
        {
            client.ResetCounts();
        }

        var recorder = new BenchRecorder();
        var processorTime = Environment.CpuUsage.TotalTime;
        var startedAt = Stopwatch.GetTimestamp();
        var schedule = new RateSchedule(_options.Total, _options.Duration, _options.Rate);
        await RunPhaseAsync(schedule, recorder, progress, stop).ConfigureAwait(false);

        return BenchReport.From(
            _options,
            recorder,
            Stopwatch.GetElapsedTime(startedAt),
            Environment.CpuUsage.TotalTime - processorTime,
            keysRead: _clients.Sum(client => client.KeysRead),
            conflicts: _clients.Sum(client => client.Conflicts));
    }

    private async Task RunPhaseAsync(RateSchedule schedule, BenchRecorder recorder, TextWriter? progress, CancellationToken stop)
    {
        var clients = Task.WhenAll(_clients.Select((client, number) =>
            Task.Run(() => client.RunAsync(_connections.ForClient(number), schedule, recorder, stop), CancellationToken.None)));
        if (progress is not null)
        {
            await BenchProgress.ShowUntilAsync(clients, recorder, progress).ConfigureAwait(false);
        }

        await clients.ConfigureAwait(false);
    }
}

/// <summary>One client: runs one operation at a time until the schedule ends.</summary>
internal sealed class BenchClient
{
    private readonly PutOperation _put;
    private readonly RangeOperation _range;
    private readonly TxnOperation _txn;
    private readonly Random _random;
    private readonly IReadOnlyList<double> _shares;
    private readonly TimeSpan _timeout;
    private long _keysReadBefore;
    private long _conflictsBefore;

    public BenchClient(BenchOptions options, BenchKeySequence sequence, long[] revisions, int client)
    {
        var keys = new BenchKeys(options, sequence, client);
        var value = BenchRandom.Bytes(options.Seed, client, options.ValueBytes);
        _put = new PutOperation(keys, value);
        _range = new RangeOperation(keys, options);
        _txn = new TxnOperation(keys, value, revisions);
        _random = BenchRandom.Create(options.Seed + 1, client);
        _shares = options.Shares;
        _timeout = options.Timeout;
    }

    public long KeysRead => _range.KeysRead - _keysReadBefore;

    public long Conflicts => _txn.Conflicts - _conflictsBefore;

    public void ResetCounts()
    {
        _keysReadBefore = _range.KeysRead;
        _conflictsBefore = _txn.Conflicts;
    }

    public async Task RunAsync(KV.KVClient server, RateSchedule schedule, BenchRecorder recorder, CancellationToken stop)
    {
        while (await schedule.NextAsync(stop).ConfigureAwait(false) is { } startedAt)
        {
            var operation = Choose();
            try
            {
                // The call gets a deadline but not the token: an operation that has started runs to its end, so that its outcome is known.
                await operation.RunAsync(server, new CallOptions(deadline: DateTime.UtcNow + _timeout)).ConfigureAwait(false);
                recorder.RecordSuccess(operation.Kind, startedAt);
            }
            catch (RpcException failure)
            {
                recorder.RecordFailure($"{failure.StatusCode}: {failure.Status.Detail}");
            }
        }
    }

    private BenchOperation Choose()
    {
        if (_shares[(int)BenchOperationKind.Put] == 1)
        {
            return _put;
        }

#pragma warning disable CA5394 // Reproducible random numbers.
        var drawn = _random.NextDouble();
#pragma warning restore CA5394
        return drawn < _shares[(int)BenchOperationKind.Put] ? _put
            : drawn < _shares[(int)BenchOperationKind.Put] + _shares[(int)BenchOperationKind.Range] ? _range
            : _txn;
    }
}
