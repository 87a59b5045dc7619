using System.Diagnostics;
using Quorate.Load.Http2;

namespace Quorate.Load.Servers;

/// <summary>Runs one measurement of a server: connects, warms up, measures, reports.</summary>
internal static class ServerLoad
{
    /// <summary>Runs to the end or until it is cancelled, and reports what was measured in either case.</summary>
    /// <exception cref="Http2Exception">An endpoint does not respond, or its limits are too small.</exception>
    /// <exception cref="NoLeaderException">Only the leader is to be used, and no endpoint is the leader.</exception>
    public static ServerLoadReport Run(ServerLoadOptions options, CancellationToken stop)
    {
        var leader = LeaderLookup.Find(options.Endpoints, options.Timeout);
        if (options.TargetLeader)
        {
            options = options with { Endpoints = [leader ?? throw new NoLeaderException()] };
        }

        using var files = options.WhileFiles.Count > 0 ? new FilePresence(options.WhileFiles) : null;
        var threads = CreateThreads(options, files);
        try
        {
            foreach (var thread in threads)
            {
                thread.Open();
            }

            var warmup = RunPhase(threads, new OperationSchedule(null, options.Warmup, options.Rate), stop);
            var processorTime = Environment.CpuUsage;
            var schedule = new OperationSchedule(options.Total, options.Duration, options.Rate);
            var startedAt = Stopwatch.GetTimestamp();
            var measured = RunPhase(threads, schedule, stop);
            return ServerLoadReport.From(
                options,
                measured,
                Stopwatch.GetElapsedTime(startedAt),
                Environment.CpuUsage.TotalTime - processorTime.TotalTime,
                schedule.CountNeverStarted(),
                warmup.Completed);
        }
        finally
        {
            foreach (var thread in threads)
            {
                thread.Dispose();
            }
        }
    }

    /// <summary>Distributes the clients over the connections, and these over the endpoints and the threads, round-robin.</summary>
    private static LoadThread[] CreateThreads(ServerLoadOptions options, FilePresence? files)
    {
        var connections = new (Uri Endpoint, int Clients)[options.Connections];
        for (var i = 0; i < connections.Length; i++)
        {
            var clients = (options.Clients / options.Connections) + (i < options.Clients % options.Connections ? 1 : 0);
            connections[i] = (options.Endpoints[i % options.Endpoints.Count], clients);
        }

        var sequence = new KeySequence();
        return
        [
            .. Enumerable.Range(0, options.Threads).Select(thread => new LoadThread(
                options, thread, connections.Where((_, number) => number % options.Threads == thread), sequence, files)),
        ];
    }

    private static ServerLoadRecorder RunPhase(LoadThread[] threads, OperationSchedule schedule, CancellationToken stop)
    {
        var recorders = new ServerLoadRecorder[threads.Length];
        var running = new Thread[threads.Length];
        for (var i = 0; i < threads.Length; i++)
        {
            var number = i;
            running[i] = new Thread(() => recorders[number] = threads[number].Run(schedule, stop)) { Name = $"load {number}" };
            running[i].Start();
        }

        var all = new ServerLoadRecorder();
        for (var i = 0; i < threads.Length; i++)
        {
            running[i].Join();
            all.Add(recorders[i]);
        }

        return all;
    }
}

/// <summary>No endpoint is the leader.</summary>
internal sealed class NoLeaderException()
    : Exception("no endpoint is the leader; add the leader's endpoint to --endpoints, or retry after the election");
